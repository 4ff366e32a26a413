// Keeps the page and its model in the browser, so that the next visit needs no network. export.py
// writes the list of the files and its digest into the next line.

const { version: VERSION, files: FILES } = "SITE";

// Pages of other folders of the same host keep theirs, too.
const KEPT = `sketch2img ${self.registration.scope} `;
const NAME = `${KEPT}${VERSION}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("message", ({ data, ports }) => {
  if (data.takeOver) self.skipWaiting();
  if (data.keep)
    keep(data.keep).then(
      () => ports[0].postMessage({ kept: true }),
      () => ports[0].postMessage({ kept: false }),
    );
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope))
    event.respondWith(answer(event.request));
});

// Asks the server whether what the browser remembers is still right: files of two versions do not
// go together.
const current = (url) => new Request(url, { cache: "no-cache" });

async function install() {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map(current));
  // The build of the runtime that this browser used before: the next visit may be without network.
  const before = (await caches.keys()).filter((name) => name.startsWith(KEPT) && name !== NAME);
  for (const name of before) {
    const urls = (await (await caches.open(name)).keys()).map(({ url }) => url);
    await keep(urls.filter((url) => url.includes("/litert/litert_wasm")));
  }
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith(KEPT) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function keep(urls) {
  const cache = await caches.open(NAME);
  for (const url of urls) if (!(await cache.match(url))) await cache.add(current(url));
}

async function answer(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}
