import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { cards, openOffice } from "./office.ts";

const size = { width: 640, height: 480 };
const folder = await mkdtemp(join(tmpdir(), "skyfox-camera-"));
afterAll(() => rm(folder, { recursive: true }));
const film = join(folder, "film.y4m");

// Chromium opens the film when a page opens the camera, and shows it over and over.
const office = await openOffice({ CINEMA_TIME_ZONE: zoneWhereDoorsAreOpen() }, [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-video-capture=${film}`,
]);
afterAll(office.close);
const staff = await office.employee("staff-1");

/** The door's page, which keeps the tracks of the cameras that it opens. Cameras, and what reads codes, come when these have. */
async function atTheDoor({
  camera,
  decoder,
}: { camera?: Promise<void>; decoder?: Promise<void> } = {}): Promise<Page> {
  const page = await office.visit("/sign-in", staff);
  await page.exposeFunction("cameraIsGiven", () => camera);
  await page.route("**/*decode*", async (route) => {
    await decoder;
    await route.continue();
  });
  await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    const opened: MediaStreamTrack[] = [];
    mediaDevices.getUserMedia = async (wanted) => {
      await (globalThis as unknown as { cameraIsGiven(): Promise<void> }).cameraIsGiven();
      const stream = await open(wanted);
      opened.push(...stream.getTracks());
      return stream;
    };
    Object.assign(globalThis, { opened });
  });
  await page.evaluate(() => (location.hash = "#/door"));
  return page;
}

const start = (page: Page) => page.getByRole("button", { name: "Use the camera" }).click();
const stop = (page: Page) => page.getByRole("button", { name: "Stop the camera" }).click();

/** What each camera was opened to: "live", with its light on, or "ended". */
async function lightsOf(page: Page): Promise<string[]> {
  return await page.evaluate(() =>
    (globalThis as unknown as { opened: MediaStreamTrack[] }).opened.map(({ readyState }) => readyState),
  );
}

/** Waits until the page has had time for a look or two. */
async function untilItLooks(page: Page): Promise<void> {
  const video = page.getByLabel("What the camera sees");
  await expect
    .poll(() => video.evaluate((element) => (element as HTMLVideoElement).currentTime), { timeout: 10_000 })
    .toBeGreaterThan(0.3);
}

const wall = Buffer.alloc(size.width * size.height, 128);

/** Writes a film of these pictures, each for a second. */
async function makeFilm(...pictures: Buffer[]): Promise<void> {
  const colours = Buffer.alloc(wall.length / 2, 128);
  const frames = pictures.flatMap((picture) => [Buffer.from("FRAME\n"), picture, colours]);
  const head = `YUV4MPEG2 W${size.width} H${size.height} F1:1 Ip A1:1 C420jpeg\n`;
  await writeFile(film, Buffer.concat([Buffer.from(head), ...frames]));
}

/** A ticket before the wall. It is black and white: the green of a pixel is its brightness. */
async function held(ticket: string): Promise<Buffer> {
  const page = await office.visit("/sign-in");
  const brightness = await page.evaluate(
    async ({ base64, width, height }) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(base64)]));
      const drawing = new OffscreenCanvas(width, height).getContext("2d");
      if (drawing === null) throw new Error("There is nothing to draw on.");
      drawing.fillStyle = "#808080";
      drawing.fillRect(0, 0, width, height);
      drawing.drawImage(bitmap, 140, 60, 360, 360);
      const { data } = drawing.getImageData(0, 0, width, height);
      return Uint8Array.from(data.filter((_, index) => index % 4 === 1)).toBase64();
    },
    { base64: ticket, ...size },
  );
  await page.context().close();
  return Buffer.from(brightness, "base64");
}

/** A paid booking of the next show, whose doors are open, with its ticket held before the camera. */
async function paidBooking() {
  const { today, now } = await office.client().show.cinema.query();
  const shows = await office.client().show.list.query({ date: today });
  const next = shows.find(({ startsAt }) => startsAt > now);
  const { client } = await office.customer();
  const hold = await client.booking.initializeBest.mutate({ showId: next?.id ?? 0, count: 2 });
  const { bookingId } = hold;
  await client.booking.pay.mutate({ bookingId, method: "Card", card: cards.pays });
  const { data } = await client.booking.ticketQr.query({ bookingId });
  const status = async () => (await client.booking.byId.query({ bookingId })).status;
  return { bookingId, seats: hold.seatNumbers.join(", "), ticket: await held(data), status };
}

/** The time zone in which one of the demo's shows, at half past 8, 12, 16 and 20, starts nearest to half an hour from now. Doors open an hour before. */
function zoneWhereDoorsAreOpen(): string {
  const zones = Intl.supportedValuesOf("timeZone").flatMap((name) => {
    const { hour, minute } = Temporal.Now.plainTimeISO(name);
    const minutesLeft = (8 * 60 + 30 - hour * 60 - minute + 24 * 60) % (4 * 60);
    return hour >= 7 && hour < 21 ? [{ name, off: Math.abs(minutesLeft - 32) }] : [];
  });
  return zones.reduce((best, zone) => (zone.off < best.off ? zone : best)).name;
}

const booking = await paidBooking();

test("a ticket comes before the camera: its booking is checked in, its signature told, and the light goes out", async () => {
  const { bookingId, seats, ticket, status } = booking;
  await makeFilm(wall, ticket);
  const page = await atTheDoor();
  await start(page);
  await page.getByText(`Checked in: Asha Rao, ${seats}`).waitFor();
  await page.getByText(`Signature is right: booking ${bookingId}, 2 seats: ${seats}`).waitFor();
  expect(await lightsOf(page)).toEqual(["ended"]);
  expect(await page.getByLabel("What the camera sees").count()).toBe(0);
  expect(await status()).toBe("CheckedIn");
});

test("a camera that sees no code looks on until it is stopped or the page is left, and its light goes out at once", async () => {
  await makeFilm(wall);
  const page = await atTheDoor();
  await start(page);
  await untilItLooks(page);
  expect(await lightsOf(page)).toEqual(["live"]);
  expect(await page.locator(".verdict").textContent()).toBe("");
  await stop(page);
  expect(await lightsOf(page)).toEqual(["ended"]);

  await start(page);
  await untilItLooks(page);
  await page.getByRole("link", { name: "Shows" }).click();
  await page.getByRole("heading", { level: 1, name: "At the door" }).waitFor({ state: "detached" });
  expect(await lightsOf(page)).toEqual(["ended", "ended"]);
});

test("a camera that is stopped before the browser has given it goes out all the same", async () => {
  await makeFilm(wall);
  const { promise: camera, resolve: give } = Promise.withResolvers<void>();
  const page = await atTheDoor({ camera });
  await start(page);
  await stop(page);
  give();
  await expect.poll(() => lightsOf(page), { timeout: 10_000 }).toEqual(["ended"]);
});

test("a camera that is stopped before its code was read checks nothing in", async () => {
  await makeFilm(booking.ticket);
  const { promise: decoder, resolve: load } = Promise.withResolvers<void>();
  const page = await atTheDoor({ decoder });
  await start(page);
  await untilItLooks(page);
  const loaded = page.waitForResponse("**/*decode*");
  await stop(page);
  load();
  await page.evaluate(`import(${JSON.stringify((await loaded).url())})`);
  // By then the page has read the last frame, and drawn what it makes of it.
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
  );
  expect(await page.locator(".verdict").textContent()).toBe("");
});
