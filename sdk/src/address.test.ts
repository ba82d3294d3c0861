import { expect, test } from "vitest";
import { createSkyfoxClient } from "./client.ts";

const apiKey = "key";

test.each([
  ["localhost:8080", "needs a scheme"],
  ["cinema.example", "needs a scheme"],
  ["", "needs a scheme"],
  ["/api", "needs a scheme"],
  ["ftp://cinema.example", "needs a scheme"],
  ["https://cinema.example/trpc", "leave out"],
  ["https://cinema.example/api/trpc/", "leave out"],
  ["https://cinema.example/?a=1", "has to end with its path"],
  ["https://cinema.example/#a", "has to end with its path"],
])("a client of %s is refused at once, in words", (url, words) => {
  expect(() => createSkyfoxClient({ url, apiKey })).toThrow(TypeError);
  expect(() => createSkyfoxClient({ url, apiKey })).toThrow(words);
});

test.each([[""], ["kéy"], [" key"], ["key\n"], [undefined as unknown as string]])(
  "a client with the API key %j is refused at once, in words",
  (key) => {
    expect(() => createSkyfoxClient({ url: "https://cinema.example", apiKey: key })).toThrow("The apiKey");
  },
);

test.each([
  "http://localhost:8080",
  "https://cinema.example/api/",
  new URL("https://[::1]:8443/trpc-gateway"),
])("a client of %s is made", (url) => {
  expect(() => createSkyfoxClient({ url, apiKey })).not.toThrow();
});
