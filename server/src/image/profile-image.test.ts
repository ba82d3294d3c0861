import { inTransaction } from "@skyfox/db";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, testAnswer, tokenOf } from "../../test/given.ts";
import { createBucketPlace, createFolderPlace } from "../../test/picture-places.ts";
import { givenPhoto, uploadOf } from "../../test/pictures.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { getProfileImage, updateProfileImage } from "../auth/profile-image.ts";
import { signUp } from "../auth/sign-up.ts";
import type { ProfileImageLink, SignUpInput } from "../contract/index.ts";
import type { PictureMaker } from "./ports.ts";
import type { User } from "../deps.ts";
import { removeImages, withUploadedImage } from "./keep-image.ts";
import { createPictureMaker } from "./make-picture.ts";

const { place: bucketPlace, storage } = await createBucketPlace();
const places = { "a bucket": bucketPlace, "a folder": await createFolderPlace() };
const caller = { address: "192.0.2.1", requestId: "of-the-tests" };
const image = uploadOf(await givenPhoto("png"));
const queue = { atOnce: 1, waiting: 20, perOwner: 2, retryAfterSeconds: 2 };
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

let people = 0;
function newcomer(): SignUpInput {
  people += 1;
  return {
    name: "Anna Lee",
    username: `newcomer-${people}`,
    password: "Correct-Horse-9",
    phoneNumber: String(8_000_000_000 + people),
    email: `newcomer-${people}@example.com`,
    securityQuestionId: 1,
    securityAnswer: testAnswer,
    profileImage: image,
  };
}

describe.each(Object.entries(places))("a picture kept in %s", (_name, place) => {
  const { app } = place;
  const { deps, clock } = app;

  const update = (user: User, upload = image) =>
    updateProfileImage(deps, user, { securityAnswer: testAnswer, image: upload });

  // A wallet cannot be removed, and so no customer with one, except by the database's owner with the triggers off.
  async function removeWallets(usernames: string[]): Promise<void> {
    await app.sql.query("begin; set local session_replication_role = replica");
    await app.sql.query("delete from customer_wallet where username = any($1)", [usernames]);
    await app.sql.query("commit");
  }

  async function givenPictured(): Promise<{ user: User; key: string; url: string }> {
    const user = await givenCustomer(deps);
    const before = await place.keys();
    const { url } = await update(user);
    const key = (await place.keys()).find((one) => !before.includes(one));
    if (key === undefined) throw new Error("Nothing was stored.");
    return { user, key, url };
  }

  const keyOf = async (username: string) => {
    const [row] = await app.sql.query("select profile_img from customertable where username = $1", [
      username,
    ]);
    return row?.["profile_img"];
  };
  const rowsOf = async (key: string) =>
    await app.sql.query("select remove_after is null as in_use from profile_image where key = $1", [key]);

  test("comes with the sign-up, and its link works without a login", async () => {
    const input = newcomer();
    await signUp(deps, caller, input);
    const login = { username: input.username, password: input.password };
    const { data } = await mutate<{ token: string }>(app, "auth.login", login);
    const link = await query<ProfileImageLink>(app, "auth.profileImage", undefined, { token: data?.token });
    expect(link.data?.expiresAt).toEqual(new Date(clock.now().getTime() + dayMs));
    const response = await place.fetch(link.data?.url ?? "");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
    expect(response.headers.get("cache-control")).toMatch(/private|no-store/);
    const picture = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    expect(picture).toMatchObject({ format: "jpeg", width: 64, height: 64 });
    // The database knows the key and nothing of where it is.
    expect(await keyOf(input.username)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg$/);
  });

  test("is not found for customers without one, and not for staff", async () => {
    const token = await tokenOf(deps, await givenCustomer(deps));
    const none = await query(app, "auth.profileImage", undefined, { token });
    expect([none.status, none.error?.data.domain?.code]).toEqual([404, "PROFILE_IMAGE_NOT_FOUND"]);
    const staff = await tokenOf(deps, await givenStaff(deps, "admin"));
    expect((await query(app, "auth.profileImage", undefined, { token: staff })).status).toBe(403);
    const input = { securityAnswer: testAnswer, image };
    expect((await mutate(app, "auth.updateProfileImage", input, { token: staff })).status).toBe(403);
  });

  test("takes the place of the older one, which is gone at once with its link", async () => {
    const { user, key, url } = await givenPictured();
    const token = await tokenOf(deps, user);
    const other = uploadOf(await givenPhoto("webp"));
    const input = { securityAnswer: testAnswer, image: other };
    const { data } = await mutate<ProfileImageLink>(app, "auth.updateProfileImage", input, { token });
    expect(await place.keys()).not.toContain(key);
    expect(await rowsOf(key)).toEqual([]);
    expect((await place.fetch(url)).status).not.toBe(200);
    expect((await place.fetch(data?.url ?? "")).status).toBe(200);
    const entries = await app.sql.query(
      "select action from audit_entry where actor = $1 and action like 'profile%' order by id",
      [user.username],
    );
    expect(entries.map(({ action }) => action)).toEqual(["profile-image-changed", "profile-image-changed"]);
  });

  test("is changed only after the security answer", async () => {
    const { user, key } = await givenPictured();
    const wrong = updateProfileImage(deps, user, { securityAnswer: "something else", image });
    expect(await refusalOf(wrong)).toBe("INVALID_SECURITY_ANSWER");
    expect(await keyOf(user.username)).toBe(key);
  });

  test("has a link for 24 hours, and not a second longer", async () => {
    const { user } = await givenPictured();
    const { url, expiresAt } = await getProfileImage(deps, user);
    clock.set(new Date(expiresAt.getTime() - 1_000));
    expect((await place.fetch(url)).status).toBe(200);
    clock.set(new Date(expiresAt.getTime() + 1_000));
    expect((await place.fetch(url)).status).toBe(403);
  });

  test("is shown by its whole link only, which cannot be changed", async () => {
    const { url } = await givenPictured();
    const other = await givenPictured();
    const parts = new URL(url);
    const changed = [...parts.searchParams.keys()].flatMap((name) => {
      const value = parts.searchParams.get(name) ?? "";
      const without = new URL(url);
      without.searchParams.delete(name);
      const later = new URL(url);
      later.searchParams.set(
        name,
        value.replace(/[0-9a-z]/i, (one) => (one === "1" ? "2" : "1")),
      );
      return [without.href, later.href];
    });
    const ofTheOther = url.replace(parts.pathname, new URL(other.url).pathname);
    for (const link of [...changed, ofTheOther, parts.origin + parts.pathname]) {
      expect([400, 403, 404]).toContain((await place.fetch(link)).status);
    }
  });

  test.each<[string, object, string]>([
    ["no base64", { base64: "broken base64" }, "INVALID_IMAGE"],
    ["another hash", { sha256: "0".repeat(64) }, "INVALID_IMAGE_HASH"],
    ["no picture", uploadOf(Buffer.from("<svg/>")), "INVALID_IMAGE"],
    ["half of one", uploadOf(Buffer.from(image.base64, "base64").subarray(0, 500)), "INVALID_IMAGE"],
    ["six megabytes", uploadOf(Buffer.alloc(6_000_000)), "INVALID_IMAGE"],
  ])("is not stored when what comes is %s", async (_what, wrong, code) => {
    const user = await givenCustomer(deps);
    const [keys, rows] = [await place.keys(), await app.sql.query("select key from profile_image")];
    const token = await tokenOf(deps, user);
    const input = { securityAnswer: testAnswer, image: { ...image, ...wrong } };
    const updated = await mutate(app, "auth.updateProfileImage", input, { token });
    expect([updated.status, updated.error?.data.domain?.code]).toEqual([400, code]);
    const signedUp = await mutate(app, "auth.signup", { ...newcomer(), profileImage: input.image });
    expect([signedUp.status, signedUp.error?.data.domain?.code]).toEqual([400, code]);
    expect(await place.keys()).toEqual(keys);
    expect(await app.sql.query("select key from profile_image")).toEqual(rows);
  });

  test.each(["email", "phoneNumber"] as const)(
    "of ten who sign up with one %s at once, one is kept, and the losers' usernames are free",
    async (field) => {
      const before = await place.keys();
      const same = newcomer();
      const inputs = Array.from({ length: 10 }, () => ({ ...newcomer(), [field]: same[field] }));
      const { won, lost } = outcomesOf(
        await together(
          inputs.map((input, index) => () => signUp(deps, { ...caller, address: `192.0.2.${index}` }, input)),
        ),
      );
      expect(won).toHaveLength(1);
      expect(new Set(lost)).toEqual(new Set([field === "email" ? "EMAIL_EXISTS" : "PHONE_NUMBER_EXISTS"]));
      expect((await place.keys()).filter((key) => !before.includes(key))).toEqual([
        await keyOf(won[0]?.username ?? ""),
      ]);
      expect(await app.sql.query("select 1 from profile_image where remove_after is not null")).toEqual([]);
      const loser = inputs.find(({ username }) => username !== won[0]?.username);
      if (loser === undefined) throw new Error("Nine have lost.");
      await signUp(deps, caller, { ...newcomer(), username: loser.username });
    },
  );

  test("of five updates at once, the last is kept and the others are gone", async () => {
    const before = await place.keys();
    const user = await givenCustomer(deps);
    // One customer may not have five at once: as many as a race needs.
    const wide = { ...deps, pictures: createPictureMaker({ ...queue, perOwner: 5 }) };
    const input = { securityAnswer: testAnswer, image };
    const updates = Array.from({ length: 5 }, () => () => updateProfileImage(wide, user, input));
    const { won } = outcomesOf(await together(updates));
    expect(won).toHaveLength(5);
    const kept = (await place.keys()).filter((key) => !before.includes(key));
    expect(kept).toEqual([await keyOf(user.username)]);
  });

  test("stays as it is when nothing can be stored", async () => {
    const { user, key, url } = await givenPictured();
    const keys = await place.keys();
    await place.breakDown();
    expect(await refusalOf(update(user))).toBe("STORAGE_UNAVAILABLE");
    expect(await refusalOf(signUp(deps, caller, newcomer()))).toBe("STORAGE_UNAVAILABLE");
    await place.mend();
    expect(await keyOf(user.username)).toBe(key);
    expect((await place.fetch(url)).status).toBe(200);
    expect(await place.keys()).toEqual(keys);
    await removeLater();
    expect(await app.sql.query("select 1 from profile_image where remove_after is not null")).toEqual([]);
  });

  test("is changed although the older one cannot be removed, which is gone once that is mended", async () => {
    const { user, key } = await givenPictured();
    await place.keepFromRemoval(key);
    const { url } = await update(user);
    await place.mend();
    expect(await place.keys()).toContain(key);
    expect((await place.fetch(url)).status).toBe(200);
    clock.set(new Date(clock.now().getTime() + 2 * minuteMs));
    await removeImages(deps);
    expect(await place.keys()).not.toContain(key);
    expect(await rowsOf(key)).toEqual([]);
  });

  test("whose removal fails again and again is tried less and less often, hourly in the end", async () => {
    const { user, key } = await givenPictured();
    await place.keepFromRemoval(key);
    await update(user);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const [row] = await app.sql.query("select remove_after from profile_image where key = $1", [key]);
      const due = row?.["remove_after"] as Date;
      waits.push((due.getTime() - clock.now().getTime()) / minuteMs);
      clock.set(due);
      await removeImages(deps);
    }
    await place.mend();
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    await removeLater();
    expect(await rowsOf(key)).toEqual([]);
  });

  test("is removed again when the commit fails", async () => {
    const { user, key } = await givenPictured();
    const keys = await place.keys();
    await app.sql.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
      create constraint trigger refuse after update on customertable deferrable initially deferred
        for each row execute function refuse()`);
    await expect(update(user)).rejects.toThrow("broken");
    await app.sql.query("drop trigger refuse on customertable; drop function refuse()");
    expect(await place.keys()).toEqual(keys);
    expect(await keyOf(user.username)).toBe(key);
    expect(await app.sql.query("select 1 from profile_image where remove_after is not null")).toEqual([]);
  });

  test("is not lost when only the reply to its commit is", async () => {
    const { user } = await givenPictured();
    const lostReply = withUploadedImage(deps, Buffer.from("a picture"), async (give) => {
      await inTransaction(deps.db, (tx) => give(tx, user.username));
      throw new Error("The connection was lost.");
    });
    await expect(lostReply).rejects.toThrow("lost");
    await removeLater();
    expect(await place.keys()).toContain(await keyOf(user.username));
  });

  test("of a server that died before its commit is gone after an hour, and no sooner", async () => {
    const { user, key } = await givenPictured();
    const before = await place.keys();
    const uploaded = Promise.withResolvers<void>();
    const death = Promise.withResolvers<void>();
    const dying = withUploadedImage(deps, Buffer.from("a picture"), async (give) => {
      uploaded.resolve();
      await death.promise;
      await inTransaction(deps.db, (tx) => give(tx, user.username));
    });
    await uploaded.promise;
    const uploadedAt = clock.now().getTime();
    clock.set(new Date(uploadedAt + 60 * minuteMs - 1));
    await removeImages(deps);
    expect(await place.keys()).toHaveLength(before.length + 1);
    clock.set(new Date(uploadedAt + 60 * minuteMs));
    await Promise.all([removeImages(deps), removeImages(deps)]);
    expect(await place.keys()).toEqual(before);
    // Should it be alive after all, it finds that its picture has been given up.
    death.resolve();
    expect(await refusalOf(dying)).toBe("STORAGE_UNAVAILABLE");
    expect(await keyOf(user.username)).toBe(key);
  });

  test("that is being removed is given to no customer, also when its removal has failed", async () => {
    const { user, key } = await givenPictured();
    const others = await place.keys();
    const claimed = Promise.withResolvers<void>();
    const late = withUploadedImage(deps, Buffer.from("a picture"), async (give) => {
      const uploaded = (await place.keys()).find((one) => !others.includes(one)) ?? "";
      clock.advance(60 * minuteMs);
      await place.keepFromRemoval(uploaded);
      await removeImages(deps);
      await place.mend();
      claimed.resolve();
      await inTransaction(deps.db, (tx) => give(tx, user.username));
    });
    expect(await refusalOf(late)).toBe("STORAGE_UNAVAILABLE");
    await claimed.promise;
    expect(await keyOf(user.username)).toBe(key);
    expect(await place.keys()).toEqual(others);
  });

  test("goes when its customer is deleted", async () => {
    const { user, key } = await givenPictured();
    await removeWallets([user.username]);
    await app.sql.query("delete from usertable where username = $1", [user.username]);
    await removeImages(deps);
    expect(await place.keys()).not.toContain(key);
    expect(await rowsOf(key)).toEqual([]);
  });

  test("goes when both customers who share it are deleted side by side", async () => {
    const first = await givenPictured();
    const second = await givenCustomer(deps);
    const { key } = first;
    await app.sql.query("update customertable set profile_img = $1 where username = $2", [
      key,
      second.username,
    ]);
    const usernames = [first.user.username, second.username];
    await removeWallets(usernames);
    await app.sql.query("begin");
    await app.sql.query("delete from usertable where username = $1", [usernames[0]]);
    const other = deps.db
      .deleteFrom("usertable")
      .where("username", "=", usernames[1] ?? "")
      .execute();
    await untilBlocked(app);
    await app.sql.query("commit");
    await other;
    await removeImages(deps);
    expect(await place.keys()).not.toContain(key);
  });

  test("that two customers share stays until both have another one", async () => {
    const first = await givenPictured();
    const second = await givenCustomer(deps);
    await app.sql.query("update customertable set profile_img = $1 where username = $2", [
      first.key,
      second.username,
    ]);
    await update(first.user);
    expect(await place.keys()).toContain(first.key);
    await update(second);
    expect(await place.keys()).not.toContain(first.key);
  });

  async function removeLater(): Promise<void> {
    clock.set(new Date(clock.now().getTime() + 2 * 60 * minuteMs));
    await removeImages(deps);
  }
});

test("a picture of another kind of store is not shown, and stays listed", async () => {
  const { app } = places["a folder"];
  const user = await givenCustomer(app.deps);
  const key = "profile-images/older.jpg";
  await app.sql.query("insert into profile_image (key) values ($1)", [key]);
  await app.sql.query("update customertable set profile_img = $1 where username = $2", [key, user.username]);
  expect(await refusalOf(getProfileImage(app.deps, user))).toBe("PROFILE_IMAGE_NOT_FOUND");
  await updateProfileImage(app.deps, user, { securityAnswer: testAnswer, image });
  expect(await app.sql.query("select key from profile_image where key = $1", [key])).toHaveLength(1);
});

describe("a bucket", () => {
  const { app, keys } = bucketPlace;

  test("has nothing that is public, and refused nothing that we signed", async () => {
    const refusals = storage.refusals.length;
    const user = await givenCustomer(app.deps);
    await updateProfileImage(app.deps, user, { securityAnswer: testAnswer, image });
    expect(storage.refusals.length).toBe(refusals);
    for (const key of await keys()) {
      expect(storage.object(key)?.headers["cache-control"]).toBe("private");
      expect((await fetch(`${storage.url}/${storage.access.bucket}/${key}`)).status).toBe(403);
    }
  });

  test("that begins an answer and never ends it is given up", async () => {
    const user = await givenCustomer(app.deps);
    storage.fail("stall", ["PUT"]);
    const update = updateProfileImage(app.deps, user, { securityAnswer: testAnswer, image });
    expect(await refusalOf(update)).toBe("STORAGE_UNAVAILABLE");
    storage.mend();
  });

  test.each(["silence", "error", "after-effect"] as const)(
    "whose answer to an upload is %s changes nothing, and is clean after the hour in which it may still arrive",
    async (how) => {
      const user = await givenCustomer(app.deps);
      const before = await keys();
      storage.fail(how, ["PUT"]);
      const update = updateProfileImage(app.deps, user, { securityAnswer: testAnswer, image });
      expect(await refusalOf(update)).toBe("STORAGE_UNAVAILABLE");
      storage.mend();
      expect(await refusalOf(getProfileImage(app.deps, user))).toBe("PROFILE_IMAGE_NOT_FOUND");
      const waiting = await app.sql.query("select 1 from profile_image where remove_after is not null");
      expect(waiting.length).toBeGreaterThan(0);
      app.clock.advance(60 * minuteMs);
      await removeImages(app.deps);
      expect(await keys()).toEqual(before);
    },
  );
});

test("a picture waits in its customer's share of the queue, and in that of the address at sign-up", async () => {
  const { deps } = places["a folder"].app;
  const owners: string[] = [];
  const pictures: PictureMaker = {
    async make(upload, owner) {
      owners.push(owner.for);
      return await deps.pictures.make(upload, owner);
    },
  };
  const user = await givenCustomer(deps);
  await updateProfileImage({ ...deps, pictures }, user, { securityAnswer: testAnswer, image });
  await signUp({ ...deps, pictures }, { ...caller, address: "2001:db8::1" }, newcomer());
  expect(owners).toEqual([user.username, "2001:db8:0:0::/64"]);
});
