"""Other words for the release's classes, and groups of these classes. Other data have neither."""

from __future__ import annotations

# By class. A word that is a part of the class's name is not listed, since a search finds it anyway.
# A word may stand for several classes.
SYNONYMS = {
    "airplane": ("aeroplane", "jet"),
    "ape": ("gorilla", "monkey", "chimpanzee"),
    "armor": ("armour", "knight"),
    "axe": ("hatchet",),
    "bee": ("bumblebee", "wasp"),
    "beetle": ("bug", "insect"),
    "bicycle": ("bike",),
    "blimp": ("airship", "zeppelin"),
    "bread": ("loaf",),
    "cabin": ("house", "hut", "cottage"),
    "car_(sedan)": ("auto", "automobile"),
    "cat": ("kitten",),
    "chair": ("seat",),
    "chicken": ("hen", "rooster", "cock"),
    "church": ("chapel",),
    "couch": ("sofa", "settee"),
    "cow": ("bull", "cattle"),
    "crocodilian": ("crocodile", "alligator"),
    "cup": ("mug", "teacup"),
    "deer": ("stag", "reindeer", "moose"),
    "dog": ("puppy",),
    "eyeglasses": ("spectacles",),
    "fish": ("goldfish",),
    "frog": ("toad",),
    "hamburger": ("cheeseburger",),
    "hat": ("cap",),
    "horse": ("pony",),
    "hotdog": ("sausage",),
    "hourglass": ("sandglass",),
    "jack-o-lantern": ("pumpkin", "halloween"),
    "lizard": ("gecko", "iguana"),
    "motorcycle": ("motorbike",),
    "mouse": ("rat",),
    "mushroom": ("toadstool",),
    "parrot": ("macaw",),
    "pickup_truck": ("lorry",),
    "pig": ("hog", "piglet"),
    "pistol": ("gun", "handgun", "revolver"),
    "rabbit": ("bunny", "hare"),
    "racket": ("racquet",),
    "ray": ("stingray", "manta"),
    "rifle": ("gun",),
    "rocket": ("spaceship", "missile"),
    "sailboat": ("ship", "yacht"),
    "sheep": ("lamb",),
    "shoe": ("boot", "sneaker", "trainer"),
    "skyscraper": ("tower", "building"),
    "snake": ("serpent",),
    "songbird": ("sparrow", "robin"),
    "starfish": ("sea star",),
    "table": ("desk",),
    "teapot": ("kettle",),
    "teddy_bear": ("toy",),
    "trumpet": ("horn",),
    "turtle": ("tortoise",),
    "umbrella": ("parasol",),
    "violin": ("fiddle",),
    "wading_bird": ("heron", "stork", "flamingo"),
}

# Each class is in exactly one group.
GROUPS = {
    "animals": (
        "ape bear camel cat cow deer dog elephant giraffe hedgehog horse kangaroo lion mouse pig"
        " rabbit raccoon rhinoceros sheep squirrel tiger zebra"
    ),
    "birds": "chicken duck owl parrot penguin seagull songbird swan wading_bird",
    "creeping": (
        "ant bat bee beetle butterfly crocodilian frog lizard scorpion snail snake spider turtle"
    ),
    "sea": "crab dolphin fish hermit_crab jellyfish lobster ray sea_turtle seal shark starfish",
    "food": "apple banana bread hamburger hotdog mushroom pear pineapple pizza pretzel strawberry",
    "plants and places": "flower geyser tree volcano",
    "buildings": "cabin castle church door skyscraper windmill window",
    "vehicles": (
        "airplane bicycle blimp car_(sedan) helicopter hot-air_balloon motorcycle pickup_truck"
        " rocket sailboat tank wheelchair"
    ),
    "music": "bell guitar harp piano saxophone trumpet violin",
    "tools and weapons": "axe cannon hammer knife pistol rifle saw scissors sword",
    "things": (
        "alarm_clock armor bench candle chair couch cup eyeglasses fan hat hourglass jack-o-lantern"
        " racket shoe spoon table teapot teddy_bear umbrella wine_bottle"
    ),
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names.split()}
OTHERS = "other things"  # the group of classes that are in no group above


def named(word: str) -> list[str]:
    """The classes with the synonym `word`, which is written as class names are."""
    return [
        name
        for name, words in SYNONYMS.items()
        if word in (other.replace(" ", "_") for other in words)
    ]


def by_group(class_names: tuple[str, ...]) -> dict[str, list[str]]:
    """The classes by group, in the order of `GROUPS`; groups without a class are left out."""
    groups = {group: [] for group in (*GROUPS, OTHERS)}
    for name in class_names:
        groups[GROUP_OF.get(name, OTHERS)].append(name)
    return {group: names for group, names in groups.items() if names}
