// Makes pictures, and reads picture files, beside the page, so that the pencil never waits for it.
//
// It is not a module, because LiteRT.js loads its loader by importScripts, which modules lack.

const TOLERANCE = 4; // levels by which a graphics card's picture may differ from the processor's
const REST_MS = 2000; // without a wish before the graphics card is tried

const here = new URL(".", self.location.href).href;
const starting = start();
starting.catch(() => {}); // the first request for a picture tells of it

let lastWish = 0;

self.onmessage = async ({ data: { id, task, ...wanted } }) => {
  try {
    self.postMessage({ id, ...(await tasks[task](wanted)) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};

const tasks = {
  // Answers once pictures can be made: by what, and which files of the runtime were needed.
  async start() {
    const { engine, runtime } = await starting;
    return { engine, runtime };
  },

  // A drawing, the ImageData of a square, its label and a seed, and a share of the way to another
  // one, to a photo, Uint8Array [S, S, 3].
  async draw({ drawing, label, seed, other, share }) {
    lastWish = performance.now();
    const model = await starting;
    const photo = await model.run(model.sketch(drawing), label, seed, other, share);
    return { photo, memoryBytes: model.memoryBytes() };
  },

  // A picture file to a drawing, black on white, and what was done to it.
  async read({ file, fill }) {
    const { readSketch } = await import(`${here}sketch_files.js`);
    return readSketch(file, fill);
  },
};

async function start() {
  const graphics = await graphicsCard();
  const [card, resize, philox, litert] = await Promise.all([
    fetched("model.json").then((response) => response.json()),
    ...["resize.js", "philox.js", "litert/core.js"].map((name) => import(`${here}${name}`)),
  ]);
  const file = new Uint8Array(await (await fetched("model.tflite")).arrayBuffer());
  const { runtime, threads } = await loadRuntime(litert, graphics);

  async function compiled(accelerator, options) {
    const model = await litert.loadAndCompile(file, { accelerator, ...options });
    return (sketch, label, seed, other, share) => {
      const [from, to] = [seed, other].map((each) => () => philox.normal(card.noiseSize, each));
      const noise = share ? philox.between(from(), to(), share) : from();
      return drawn(litert, model, card, sketch, label, noise);
    };
  }

  const model = {
    engine: threads > 1 ? `WebAssembly, ${threads} threads` : "WebAssembly",
    runtime,
    sketch: (drawing) => resize.forModel(drawing, card.imageSize),
    run: await compiled("wasm", { cpuOptions: { numThreads: threads } }),
    memoryBytes: () => litert.getGlobalLiteRt().liteRtWasm.HEAPU8.length,
  };
  // The first takes several times as long.
  await model.run(new Uint8Array(card.imageSize ** 2).fill(255), 0, 0);
  if (graphics)
    whenResting(() =>
      tryGraphics(model, card, () => compiled("webgpu", { gpuOptions: { precision: "fp32" } })),
    );
  return model;
}

async function fetched(name) {
  const response = await fetch(`${here}${name}`);
  if (!response.ok) throw new Error(`${name} is missing on the server (${response.status})`);
  return response;
}

// A graphics card that is one, not a program that does as if; null without.
async function graphicsCard() {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return adapter && !adapter.info?.isFallbackAdapter ? adapter : null;
  } catch {
    return null;
  }
}

// The build of the runtime that suits this browser: with threads where the server's headers allow
// them, and with those of WebAssembly's features that a graphics card may need to share a model
// with the processor.
async function loadRuntime(litert, graphics) {
  const simd = await litert.supportsFeature("relaxedSimd");
  const jspi = simd && Boolean(graphics) && (await litert.supportsFeature("jspi"));
  const threaded =
    simd && !graphics && self.crossOriginIsolated && (await litert.supportsFeature("threads"));
  const build = threaded ? "_threaded" : jspi ? "_jspi" : simd ? "" : "_compat";
  const name = `litert/litert_wasm${build}_internal`;
  self.Module = {
    locateFile: (path) => `${here}litert/${path}`,
    mainScriptUrlOrBlob: `${here}${name}.js`,
    print: () => {}, // it tells at length of every start
    printErr: (text) => /^(ERROR|FATAL)/.test(text) && console.error(text),
  };
  await litert.loadLiteRt(`${here}${name}.js`);
  return {
    runtime: [`${name}.js`, `${name}.wasm`],
    threads: threaded ? navigator.hardwareConcurrency : 1,
  };
}

async function drawn(litert, model, card, sketch, label, noise) {
  const { imageSize: size, noiseShape } = card;
  const inputs = {
    sketch: new litert.Tensor(sketch, [1, size, size, 1]),
    label_id: new litert.Tensor(Int32Array.of(label), [1]),
    noise: new litert.Tensor(noise, [1, ...noiseShape]),
  };
  let outputs = {};
  try {
    outputs = await model.run(inputs);
    return await outputs.photo.data();
  } finally {
    [...Object.values(inputs), ...Object.values(outputs)].forEach((tensor) => tensor.delete());
  }
}

function whenResting(act) {
  const wait = setInterval(() => {
    if (performance.now() - lastWish < REST_MS) return;
    clearInterval(wait);
    act();
  }, REST_MS / 4);
}

// Goes over to the graphics card if its picture is that of the processor, and sooner there.
async function tryGraphics(model, card, compiled) {
  try {
    const sketch = Uint8Array.from({ length: card.imageSize ** 2 }, (_, at) => (at % 7 ? 255 : 0));
    const run = await compiled();
    const timed = async (draw) => {
      await draw(sketch, 0, 0); // what comes first is made ready then
      const begun = performance.now();
      return { photo: await draw(sketch, 0, 0), ms: performance.now() - begun };
    };
    const [there, here] = [await timed(run), await timed(model.run)];
    const alike = there.photo.every((level, at) => Math.abs(level - here.photo[at]) <= TOLERANCE);
    if (!alike || there.ms > here.ms) return;
    Object.assign(model, { run, engine: "WebGPU" });
    self.postMessage({ engine: model.engine });
  } catch (error) {
    console.info(`No pictures by WebGPU: ${error?.message ?? error}`);
  }
}
