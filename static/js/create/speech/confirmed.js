// The prices that go along with a click, “make=472523 clip=57345”: the server makes nothing when
// one of them has risen since. Nothing here touches the page.

const priceOf = (words, name) => words.match(new RegExp(`(?:^| )${name}=(\\d+)`))?.[1];

/** `words` with the price of `name` as `answer` has it; as they are when either has none. */
export const confirmed = (words, answer, name) => {
  const price = priceOf(answer, name);
  return price === undefined
    ? words
    : words.replace(new RegExp(`(^| )${name}=\\d+`), `$1${name}=${price}`);
};
