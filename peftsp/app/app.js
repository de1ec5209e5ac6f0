// The form: reads proteins, has workers predict them, hands what they find to the table.

const CHUNK = 32; // proteins that a worker predicts at a time
const MOST_WORKERS = 4;
const MOST_SHOWN = 200000; // characters in the box; with many more the page stands still for seconds
const form = byId("form"), box = byId("sequences"), bar = byId("progress"), said = byId("said");
const run = { workers: [], isRunning: false, kingdom: "" };
const given = { held: "", hint: box.placeholder }; // proteins that are too many to be shown

function decoded(id) {
  const text = byId(id).textContent.trim();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index++) bytes[index] = letters.charCodeAt(index);
  return bytes;
}

function unzipped(id) {
  const stream = new Blob([decoded(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

function say(text, isError = false) {
  said.textContent = text;
  said.classList.toggle("wrong", isError);
}

function perSecond(count, milliseconds) {
  const rate = 1000 * count / Math.max(milliseconds, 1);
  return `${rate.toFixed(rate < 10 ? 1 : 0)} a second`;
}

// Workers with the model in them; the first is ready before the others are begun.
async function beginWorkers() {
  const ids = ["ort-script", "ort-wasm", "model", ...Object.keys(vocabulary.weights)];
  const [library, runtime, model, ...files] = await Promise.all(ids.map(unzipped));
  ids.forEach((id) => byId(id).remove());
  const weights = Object.values(vocabulary.weights).map((path, index) => ({ path, data: new Uint8Array(files[index]) }));
  const place = URL.createObjectURL(new Blob([byId("worker").textContent], { type: "text/javascript" }));
  const count = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency || 1));
  for (let number = 0; number < count; number++) {
    const worker = new Worker(place);
    await answer(worker, { library, runtime, model, weights, vocabulary });
    run.workers.push(worker);
    if (number === 0) ready();
  }
}

function answer(worker, message) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = (event) => {
      run.workers = run.workers.filter((other) => other !== worker); // which answers no more
      reject(new Error(event.message || "the worker has ended"));
    };
    worker.postMessage(message);
  });
}

function ready() {
  byId("predict").disabled = false;
  say(`The model ${vocabulary.model} is ready.`);
}

async function predictAll(proteins, kingdom) {
  const found = new Array(proteins.length);
  let next = 0, done = 0;
  const began = performance.now();
  if (!run.workers.length) throw new Error("no worker is left; load the page again");
  const work = async (worker) => {
    while (run.isRunning && next < proteins.length) {
      const start = next;
      next += CHUNK;
      const { records } = await answer(worker, { start, proteins: proteins.slice(start, start + CHUNK), kingdom });
      records.forEach((record, index) => (found[start + index] = record));
      done += records.length;
      bar.value = done / proteins.length;
      say(`${done.toLocaleString("en")} of ${proteins.length.toLocaleString("en")} proteins, ${perSecond(done, performance.now() - began)}`);
    }
  };
  const works = run.workers.map((worker) => work(worker).catch((error) => {
    run.isRunning = false;
    throw error;
  }));
  // No worker may be at work still when the next run begins.
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
  return { found: found.filter(Boolean), seconds: (performance.now() - began) / 1000 };
}

async function predict(event) {
  event.preventDefault();
  const { proteins, wrong } = parseFasta(given.held || box.value);
  byId("wrong").hidden = wrong.length === 0;
  byId("wrong-list").replaceChildren(...wrong.slice(0, 100).map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  byId("wrong-count").textContent = `Left out: ${wrong.length.toLocaleString("en")}`;
  if (!proteins.length) return say("No protein is there: paste sequences in FASTA format, or drop a file.", true);
  if (areNucleotides(proteins)) return say("The sequences look like DNA or RNA; proteins are needed. Translate them first.", true);
  run.isRunning = true;
  const kingdom = byId("kingdom").value;
  toggle(true);
  try {
    const { found, seconds } = await predictAll(proteins, kingdom);
    showRecords(found);
    run.kingdom = kingdom;
    showCounts();
    byId("results").hidden = false;
    const stopped = found.length < proteins.length ? "Stopped after " : "";
    say(`${stopped}${found.length.toLocaleString("en")} proteins in ${seconds.toFixed(1)} s, ${perSecond(found.length, 1000 * seconds)}.`);
  } catch (error) {
    say(`The prediction has failed: ${error.message}`, true);
  }
  run.isRunning = false;
  toggle(false);
}

function toggle(isRunning) {
  byId("predict").disabled = isRunning;
  byId("stop").hidden = bar.hidden = !isRunning;
}

function showCounts() {
  for (const label of document.querySelectorAll(".counts label")) {
    const type = label.querySelector("input").value;
    const count = records.filter((record) => record.type === type).length;
    const share = records.length ? `${(100 * count / records.length).toFixed(1)}%` : "0.0%";
    label.querySelector("rect").setAttribute("width", share);
    const [number, part] = label.querySelector(".number").childNodes;
    number.data = `${count.toLocaleString("en")} `;
    part.textContent = `(${share})`;
  }
}

async function take(files) {
  if (!files.length) return;
  const unread = [];
  const texts = await Promise.all([...files].map((file) => {
    const stream = /\.gz$/i.test(file.name) ? file.stream().pipeThrough(new DecompressionStream("gzip")) : file.stream();
    return new Response(stream).text().catch(() => unread.push(file.name) && "");
  }));
  const names = [...files].map((file) => file.name);
  // Beside proteins of another file they would pass for such.
  const foreign = names.find((name, place) => areNucleotides(parseFasta(withName(name, texts[place])).proteins));
  if (foreign) return say(`${foreign}: the sequences look like DNA or RNA; proteins are needed. Translate them first.`, true);
  const text = names.map((name, place) => withName(name, texts[place])).join("\n");
  give(text);
  const read = names.filter((name) => !unread.includes(name));
  const said = read.length ? `${read.join(", ")}: ${millions(text)}` : "";
  const failed = unread.length ? `${unread.join(", ")} cannot be read` : "";
  say([said, failed].filter(Boolean).join("; "), unread.length > 0);
}

function give(text) {
  given.held = text.length > MOST_SHOWN ? text : "";
  box.value = given.held ? "" : text;
  box.placeholder = given.held ? `${millions(text)}, not shown; what is typed here takes their place` : given.hint;
}

function millions(text) {
  return `${(text.length / 1e6).toFixed(1)} million characters`;
}

form.addEventListener("submit", predict);
byId("stop").addEventListener("click", () => (run.isRunning = false));
byId("file").addEventListener("change", (event) => take(event.target.files));
byId("example").addEventListener("click", () => give(byId("example-proteins").content.textContent.trim()));
box.addEventListener("input", () => {
  if (given.held || box.value.length > MOST_SHOWN) give(box.value);
});
box.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text");
  if (text.length <= MOST_SHOWN) return;
  event.preventDefault();
  give(text);
});
byId("gff3").addEventListener("click", () => save("predictions.gff3", asGff3(records)));
byId("signalp6").addEventListener("click", () => save("prediction_results.txt", asSignalP6(records, run.kingdom)));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
beginWorkers().catch((error) => say(`The model cannot be loaded: ${error.message}`, true));
