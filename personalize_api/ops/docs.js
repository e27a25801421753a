"use strict";
// Draws /openapi.json: operations, parameters, answers, and the types they refer to.

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `${typeName(schema.items)}[]`;
  return schema.type || "any";
}

// Of the ways in which an operation may be asked, {} is the one in which nothing is shown.
function whoMayAsk(security) {
  const ways = (security || [{}]).map((way) => Object.keys(way).join(" and ") || "none");
  const named = ways.filter((way) => way !== "none").join(", ");
  if (!named) return "Asked by anybody.";
  return ways.includes("none") ? `Asked with ${named}, or without.` : `Asked with ${named} only.`;
}

function table(rows) {
  const made = element("table");
  for (const cells of rows) made.append(element("tr", "", ...cells.map((cell) => element("td", "", cell))));
  return made;
}

function code(text) {
  return element("code", text);
}

function operation(method, path, said) {
  const card = element("section", "", element("h2", "", code(`${method.toUpperCase()} ${path}`)));
  card.append(element("p", said.summary || ""), element("p", whoMayAsk(said.security)));
  const inputs = (said.parameters || []).map((p) => [code(p.name), `${p.in}, ${typeName(p.schema)}`]);
  const body = said.requestBody?.content["application/json"]?.schema;
  if (body) inputs.push([code("body"), typeName(body)]);
  if (inputs.length) card.append(element("h3", "Inputs"), table(inputs));
  const answers = Object.entries(said.responses).map(([status, answer]) => [
    code(status),
    answer.description,
    typeName(answer.content?.["application/json"]?.schema),
  ]);
  card.append(element("h3", "Answers"), table(answers));
  return card;
}

function type(name, schema) {
  const card = element("section", "", element("h2", "", code(name)));
  if (schema.description) card.append(element("p", schema.description));
  const fields = Object.entries(schema.properties || {});
  card.append(table(fields.map(([field, said]) => [code(field), typeName(said)])));
  return card;
}

async function draw() {
  const api = await (await fetch("/openapi.json")).json();
  const main = document.getElementById("operations");
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, said] of Object.entries(methods)) main.append(operation(method, path, said));
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) main.append(type(name, schema));
}

draw();
