"""A small network on frozen features that says where people would draw in a photo.

It sees a photo through MobileNet, whose ImageNet weights know many kinds of things, and gives two
coarse maps: the probability that a person draws a line about a place, and that the place is on the
thing that a person draws. `learning` trains it.

Axes: B batch, H, W 256 pixels, G 32 places.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from sketch2img_tf.errors import UserError
from sketch2img_tf.networks import pretrained

GRID = 32
_SIDE = 128  # pixels of a photo as MobileNet sees it
_NETWORK = "MobileNet"
_LAYERS = pretrained.CHOICES[_NETWORK].critic_layers  # at strides 4, 8, 16, 32
_CHANNELS = (24, 48, 64, 64)  # of these scales
_MAPS = 2
_DECAY = 1e-4  # weight of the kernels' squares in the loss
_FLAGS = pretrained.Flags(
    "features_weights", "", "", "no --lines_weights to datasets.edge_maps.build"
)


@dataclasses.dataclass(frozen=True)
class LinesOptions:
    """The values of two flags of the build.

    Attributes:
      lines_weights: a file of `InkNetwork.save`.
      features_weights: "imagenet", "random", or the file of MobileNet's weights.
    """

    lines_weights: str
    features_weights: str


class Features:
    """The features of photos, by scale, from a frozen MobileNet.

    Args:
      weights: "imagenet", "random" (always the same), or the path of a weights file.

    Raises:
      UserError: the weights are missing or do not fit.
    """

    def __init__(self, weights: str):
        pretrained.check_weights(_NETWORK, weights, _FLAGS)
        self.sha256 = pretrained.weights_sha256(_NETWORK, weights, _FLAGS)
        tf.keras.utils.set_random_seed(0)  # for random weights
        network = pretrained.load(_NETWORK, weights, _SIDE, _FLAGS)
        outputs = [pretrained.layer(network, name, _FLAGS).output for name in _LAYERS]
        self._network = tf.function(tf.keras.Model(network.input, outputs))

    def __call__(self, photos: np.ndarray) -> list[tf.Tensor]:
        """Takes uint8 [B, H, W, 3], gives float32 [B, places, places, channels] by scale."""
        small = tf.image.resize(photos, [_SIDE, _SIDE], antialias=True)
        pictures = tf.keras.applications.mobilenet.preprocess_input(small)
        return self._network(pictures, training=False)


class InkNetwork:
    """Maps features to the two maps.

        x_4 = f(c_4(n_4))    x_l = f(c_l(n_l) + d_l(up(x_l+1)))    maps = e(x_1)

    n are the features in units of their deviation, c and d 1x1 convolutions, f a ReLU, a 3x3
    convolution and a ReLU, e a 3x3 convolution, up is bilinear. In training, whole channels of n
    are dropped.

    Args:
      means, deviations: of the features, float32 [channels] for each scale.
      features_sha256: of the weights of MobileNet.
    """

    def __init__(self, means: list[np.ndarray], deviations: list[np.ndarray], features_sha256: str):
        self._means, self._deviations = means, deviations
        self._features_sha256 = features_sha256
        self.decoder = _decoder([len(mean) for mean in means])
        self._maps = tf.function(lambda units: tf.sigmoid(self.decoder(units, training=False)))

    def units(self, features: list[np.ndarray | tf.Tensor]) -> list[np.ndarray | tf.Tensor]:
        """The features as the decoder takes them, in units of their deviation, float32."""
        return [
            (values - mean) / deviation
            for values, mean, deviation in zip(features, self._means, self._deviations)
        ]

    def maps(self, features: list[np.ndarray | tf.Tensor]) -> np.ndarray:
        """The probabilities of ink and inside, float32 [B, G, G, 2]."""
        return self._maps(self.units(features)).numpy()

    def save(self, path: str) -> None:
        """Writes everything in float16. Raises an OSError."""
        arrays = {f"weight_{i:02}": weight for i, weight in enumerate(self.decoder.get_weights())}
        arrays |= {f"mean_{i}": mean for i, mean in enumerate(self._means)}
        arrays |= {f"deviation_{i}": deviation for i, deviation in enumerate(self._deviations)}
        arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
        with open(path, "wb") as file:  # a name without .npz stays as it is
            np.savez_compressed(file, features_sha256=self._features_sha256, **arrays)

    @classmethod
    def load(cls, options: LinesOptions, features_sha256: str) -> InkNetwork:
        """Raises a UserError: there is no such file, or the features are others."""
        path = options.lines_weights
        try:
            with np.load(path) as file:
                arrays = dict(file)
            of_file = str(arrays.pop("features_sha256"))
            scales = range(len(_LAYERS))
            means, deviations = (
                [arrays.pop(f"{name}_{i}").astype(np.float32) for i in scales]
                for name in ("mean", "deviation")
            )
            network = cls(means, deviations, of_file)
            network.decoder.set_weights([arrays[name] for name in sorted(arrays)])
        except FileNotFoundError:
            raise UserError(
                f"--lines_weights={path}: no such file; python -m datasets.edge_maps.learn makes it"
            ) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"--lines_weights={path}: is no whole file of python -m datasets.edge_maps.learn"
                f" ({error})"
            ) from error
        if of_file != features_sha256:
            raise UserError(
                f"--features_weights={options.features_weights}: are not the weights of MobileNet"
                f" with which --lines_weights={path} was made"
            )
        return network


def _decoder(channels: list[int]) -> tf.keras.Model:
    """Its outputs are logits, float32 [B, G, G, 2]."""
    layers = tf.keras.layers

    def convolution(filters: int, side: int, **options) -> tf.keras.layers.Layer:
        decay = tf.keras.regularizers.L2(_DECAY)
        return layers.Conv2D(filters, side, padding="same", kernel_regularizer=decay, **options)

    sides = [GRID >> scale for scale in range(len(channels))]
    inputs = [layers.Input([side, side, count]) for side, count in zip(sides, channels)]
    x = None
    for values, width in list(zip(inputs, _CHANNELS))[::-1]:
        y = convolution(width, 1)(layers.SpatialDropout2D(0.3)(values))
        if x is not None:
            coarser = layers.UpSampling2D(2, interpolation="bilinear")(x)
            y = layers.Add()([y, convolution(width, 1, use_bias=False)(coarser)])
        x = convolution(width, 3, activation="relu")(layers.ReLU()(y))
    return tf.keras.Model(inputs, convolution(_MAPS, 3, bias_initializer=_seldom())(x))


def _seldom() -> tf.keras.initializers.Initializer:
    """The logit of the mean of both maps of Sketchy's pictures, a fifth."""
    return tf.keras.initializers.Constant(-1.4)


@functools.lru_cache(maxsize=1)
def of_photo(options: LinesOptions) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function from a photo, uint8 [H, W, 3], to the maps `drawing.draw` takes.

    Raises:
      UserError: a file is missing or does not fit.
    """
    features = Features(options.features_weights)
    network = InkNetwork.load(options, features.sha256)

    def maps(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ink, inside = np.moveaxis(network.maps(features(photo[np.newaxis]))[0], -1, 0)
        return ink, inside

    return maps


def use_one_core() -> None:
    """For one of several processes: they do not compete, and none takes the GPU's memory."""
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def sha256(path: str) -> str:
    """The hash of a file of `InkNetwork.save`, in hex. Raises a UserError."""
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"--lines_weights={path}: cannot be read ({error.strerror})") from error
