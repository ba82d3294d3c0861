import { expect, test } from "vitest";
import { drawPortrait } from "../../../scripts/demo/portrait.ts";
import { createTestApp, testPublicUrl } from "../../../server/test/test-app.ts";
import { domainErrorOf, fileToProfileImage } from "../../src/index.ts";
import { connect, errorOf, newCustomer } from "../connect.ts";

const app = await createTestApp();

test("a customer signs up with a picture, sees it, and changes it", async () => {
  const customer = newCustomer();
  const profileImage = await fileToProfileImage(new Blob([new Uint8Array(drawPortrait())]));
  await connect(app).auth.signup.mutate({ ...customer, profileImage });
  const { username, password, securityAnswer } = customer;
  const { token } = await connect(app).auth.login.mutate({ username, password });
  const skyfox = connect(app, token);

  const first = await skyfox.auth.profileImage.query();
  expect(first.expiresAt).toBeInstanceOf(Date);
  const fetchPicture = (url: string) => app.app.request(url.replace(testPublicUrl, ""));
  expect((await fetchPicture(first.url)).headers.get("content-type")).toBe("image/jpeg");

  const second = await skyfox.auth.updateProfileImage.mutate({ securityAnswer, image: profileImage });
  expect((await fetchPicture(second.url)).status).toBe(200);
  expect((await fetchPicture(first.url)).status).toBe(403);
});

test("a form learns why a picture is refused", async () => {
  const profileImage = await fileToProfileImage(new Blob(["GIF89a"]));
  const problem = domainErrorOf(
    await errorOf(connect(app).auth.signup.mutate({ ...newCustomer(), profileImage })),
  );
  expect(problem).toMatchObject({ code: "INVALID_IMAGE", details: { reason: "unsupported" } });
});
