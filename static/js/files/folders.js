// The files of a drop or of a chosen folder, those of folders in folders among them.

const NOISE = new Set(["thumbs.db", "desktop.ini", "__macosx"]);

/** Whether a file or folder is one that a system leaves behind and nobody means to send. */
export const noise = (name) => name.startsWith(".") || NOISE.has(name.toLowerCase());

const inOrder = new Intl.Collator(undefined, { numeric: true }).compare;

// A directory tells its entries in portions, and is through when it tells none.
const children = async (folder) => {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return found.filter(({ name }) => !noise(name)).sort((a, b) => inOrder(a.name, b.name));
};

/**
 * The files under `entries` (FileSystemEntry), folder by folder in the order of names;
 * `unread(name)` is called for each that cannot be read.
 */
export const filesUnder = async (entries, unread = () => {}) => {
  const found = [];
  for (const entry of entries) {
    try {
      if (entry.isDirectory) found.push(...(await filesUnder(await children(entry), unread)));
      else found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    } catch {
      unread(entry.name);
    }
  }
  return found;
};

/**
 * What was dropped, as a promise of files. The transfer is emptied when its event is over, so this
 * reads it before it waits for anything.
 */
export const dropped = (transfer, unread) => {
  const items = [...(transfer.items ?? [])].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  // A script or an old browser hands over files without entries.
  if (!items.length || entries.includes(null) || entries.includes(undefined))
    return Promise.resolve([...transfer.files]);
  return filesUnder(entries, unread);
};

/** Those files of a chosen folder that somebody means to send. */
export const meant = (files) =>
  files.filter(({ name, webkitRelativePath }) =>
    (webkitRelativePath || name)
      .split("/")
      .slice(1)
      .every((part) => !noise(part)),
  );
