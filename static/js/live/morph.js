// Brings a part of the page up to what the server says now without taking away what somebody is
// using: elements that stay are changed in place, so focus, pointer, ticks in boxes and what plays
// stay as they are.

const MINE = new Set(["open", "data-at-hand"]); // what the person did to it, not the server

const attributes = (old, found) => {
  for (const { name } of [...old.attributes]) {
    if (!found.hasAttribute(name) && !MINE.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of found.attributes) {
    if (!MINE.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
};

// Whether `old` can become `found`: of one kind, and not one thing that takes another's place.
const alike = (old, found) =>
  old.nodeType === found.nodeType && old.nodeName === found.nodeName && old.id === found.id;

const children = (old, found, known) => {
  const wanted = new Set([...found.children].map(({ id }) => id).filter(Boolean));
  // What leaves goes first: then what stays keeps its order, and nothing is moved for nothing.
  for (const child of [...old.children]) {
    if (child.id && !wanted.has(child.id)) child.remove();
  }
  let at = old.firstChild;
  for (const child of [...found.childNodes]) {
    const same = child.id ? known.get(child.id) : at && alike(at, child) ? at : null;
    if (!same) {
      old.insertBefore(copied(child, known), at);
    } else {
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      become(same, child, known);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
};

// A new element may hold known ones, as a new heading with rows that were elsewhere.
const copied = (found, known) => {
  const copy = document.importNode(found, found.nodeType !== Node.ELEMENT_NODE);
  if (found.nodeType === Node.ELEMENT_NODE) {
    for (const child of found.childNodes) {
      const same = child.id && known.get(child.id);
      if (same) become(same, child, known);
      copy.append(same || copied(child, known));
    }
  }
  return copy;
};

const become = (old, found, known) => {
  if (old.isEqualNode(found)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = found.nodeValue;
    return;
  }
  attributes(old, found);
  children(old, found, known);
};

/** `old`, which is in the page, becomes what `found` of another document is. */
export const morph = (old, found) => {
  const known = new Map([...old.querySelectorAll("[id]")].map((node) => [node.id, node]));
  const focused = document.activeElement;
  become(old, found, known);
  // what was moved lost the focus
  if (focused !== document.activeElement && old.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
};
