import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped, filesUnder, meant } from "../../static/js/files/folders.js";

const file = (name) => ({ name, isDirectory: false, file: (found) => found({ name }) });
const broken = (name) => ({ name, isDirectory: false, file: (_found, failed) => failed() });
// As browsers do: a hundred at a time, then none.
const folder = (name, entries) => ({
  name,
  isDirectory: true,
  createReader: () => {
    const left = [...entries];
    return { readEntries: (found) => found(left.splice(0, 100)) };
  },
});
const names = (files) => files.map(({ name }) => name);

test("every file of folders in folders is found, in the order of names", async () => {
  const many = Array.from({ length: 250 }, (_, n) => file(`IMG_${250 - n}.jpg`));
  const tree = folder("shoot", [file("b.jpg"), folder("a", many), folder("none", [])]);
  const found = names(await filesUnder([tree, file("last.wav")]));
  assert.equal(found.length, 252);
  assert.deepEqual(found.slice(0, 2), ["IMG_1.jpg", "IMG_2.jpg"]);
  assert.deepEqual(found.slice(249), ["IMG_250.jpg", "b.jpg", "last.wav"]);
});

test("what a system leaves in folders is not sent, but what somebody drops by itself is", async () => {
  const left = ["._b.jpg", ".DS_Store", "Thumbs.db", "desktop.ini"].map(file);
  const tree = folder("x", [...left, folder("__MACOSX", [file("c.jpg")]), file("b.jpg")]);
  assert.deepEqual(names(await filesUnder([tree])), ["b.jpg"]);
  assert.deepEqual(names(await filesUnder([file(".portrait.jpg")])), [".portrait.jpg"]);
});

test("a file that cannot be read is told and stops no other", async () => {
  const unread = [];
  const tree = folder("x", [file("a.jpg"), broken("b.jpg"), file("c.jpg")]);
  assert.deepEqual(names(await filesUnder([tree], (name) => unread.push(name))), [
    "a.jpg",
    "c.jpg",
  ]);
  assert.deepEqual(unread, ["b.jpg"]);
});

test("a drop is read before its event is over; without entries its files are taken", async () => {
  const transfer = { items: [{ kind: "file", webkitGetAsEntry: () => file("a.jpg") }], files: [] };
  const read = dropped(transfer);
  transfer.items.length = 0;
  assert.deepEqual(names(await read), ["a.jpg"]);
  const plain = { items: [{ kind: "file", webkitGetAsEntry: () => null }], files: [{ name: "b" }] };
  assert.deepEqual(names(await dropped(plain)), ["b"]);
  assert.deepEqual(names(await dropped({ files: [{ name: "c" }] })), ["c"]);
});

test("of a chosen folder that begins with a dot everything else is meant", () => {
  const chosen = (webkitRelativePath) => ({
    name: webkitRelativePath.split("/").at(-1),
    webkitRelativePath,
  });
  const paths = [".work/a.jpg", ".work/.git/x", ".work/sub/.DS_Store", ".work/sub/b.jpg"];
  assert.deepEqual(names(meant(paths.map(chosen))), ["a.jpg", "b.jpg"]);
  assert.deepEqual(names(meant([{ name: ".a.jpg", webkitRelativePath: "" }])), [".a.jpg"]);
});
