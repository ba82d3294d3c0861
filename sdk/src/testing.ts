export { createTestClient, type TestClientOptions } from "./test-client.ts";
export type { TestCall, TestHandler, TestHandlers } from "./test-handlers.ts";
export {
  makeBooking,
  makeCinema,
  makeHold,
  makeLogin,
  makeMovie,
  makeSeatMap,
  makeShow,
  makeWallet,
} from "./samples.ts";
