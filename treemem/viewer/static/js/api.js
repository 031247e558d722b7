// Requests to the server that served this page. Its token came behind the # of the address, and leaves it at once.

const KEPT = "treemem-token";
/** Keep the token that the address brought, and take it out of the address; say whether there was one. */
function keep() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return false;
  sessionStorage.setItem(KEPT, given);
  history.replaceState(null, "", location.pathname);
  return true;
}
keep();
// In a tab that shows the page already, opening a printed address changes no more than what stands behind the #.
addEventListener("hashchange", () => { if (keep()) location.reload(); });
const token = sessionStorage.getItem(KEPT) ?? "";

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The viewer does not answer. Was it ended? Start treemem view again.");
  }
  const data = await response.json();
  if (!response.ok) throw new Error(data.error);
  return data;
}

export function read(name, values = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
  return answered(fetch(`/api/${name}?${query}`, { headers: { "x-treemem-token": token }, signal }));
}

export function change(name, values) {
  const headers = { "x-treemem-token": token, "content-type": "application/json" };
  return answered(fetch(`/api/${name}`, { method: "POST", headers, body: JSON.stringify(values) }));
}
