// Starts the worker, which runs beside the page, and keeps the page in the browser, so that the
// next visit needs no network.

// A worker that is asked for one thing after the other. `told` takes what it tells of itself, and
// `failed` is called where it does not start.
export function workerOf(script, told, failed) {
  const waiting = new Map();
  const thread = new Worker(script);
  let last = 0;
  thread.addEventListener("message", ({ data: { id, error, ...answer } }) => {
    if (!id) return told(answer);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error ? reject(new Error(error)) : resolve(answer);
  });
  thread.addEventListener("error", failed);
  const ask = (task, wanted) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      thread.postMessage({ id: last, task, ...wanted });
    });
  return { ask };
}

// Keeps the page, with these files of the runtime, and tells so; `button` offers a later version.
export async function keepForLater(runtime, button, told) {
  if (!navigator.serviceWorker) return; // a server without encryption, on another computer
  const registration = await navigator.serviceWorker.register("service_worker.js", {
    updateViaCache: "none",
  });
  const offer = () =>
    (button.hidden = !(registration.waiting && navigator.serviceWorker.controller));
  const follow = () => registration.installing?.addEventListener("statechange", offer);
  registration.addEventListener("updatefound", follow);
  follow(); // it may have been found while the model was loaded
  offer();
  button.addEventListener("click", () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    registration.waiting.postMessage({ takeOver: true });
  });
  await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => told({ isKept: data.kept });
  registration.active.postMessage(
    { keep: runtime.map((name) => new URL(name, location.href).href) },
    [port2],
  );
}
