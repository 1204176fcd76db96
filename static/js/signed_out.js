// What a script asked for needs a sign-in: the whole window goes there, and comes back afterwards.

/** `answer`, unless it says that nobody is signed in: then the window leaves, and this throws. */
export const signedIn = (answer) => {
  const where = answer.status === 401 && answer.headers.get("HX-Redirect");
  if (!where) return answer;
  location.assign(where);
  throw new Error("signed out");
};
