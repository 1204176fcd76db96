// The reader's time zone goes along with every request, so that the server writes times on their
// clock. A person may choose another one on their profile.
const YEAR = 31_536_000; // seconds
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
const told = document.cookie.split("; ").includes(`zone=${zone}`);
if (/^[\w+/-]{1,64}$/.test(zone) && !told) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API
  document.cookie = `zone=${zone}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}
