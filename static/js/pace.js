// How often something is asked. Nothing here touches the page.

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A function that runs the asynchronous `task` at once, then one at a time and at most every
 * `least` ms; whatever is called for meanwhile is one more run at the end. A task that fails does
 * not stop the next.
 */
export const paced = (task, least) => {
  let running = false;
  let again = false;
  const run = async () => {
    running = true;
    do {
      again = false;
      await Promise.allSettled([task(), pause(least)]);
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else run();
  };
};
