/** What Deluxe seats cost above the show's cost, in the cinema's currency. */
export const deluxeSurcharge = "150.00";

/** Seats in one booking at most. */
export const maxSeatsPerBooking = 10;

/** Live holds of one customer at most, bookings that are being paid counted. */
export const maxLiveHolds = 5;

/** A show costs more than nothing and at most this, in the cinema's currency. */
export const maxShowCost = "3000.00";

/** The screen that a cinema has from the start; scheduling is for it unless another one is named. */
export const firstScreenId = 1;

/** A screen's name has at most this many characters. */
export const maxScreenName = 50;

/** A screen has at most this many rows. */
export const maxScreenRows = 52;

/** A row has at most this many seats; their numbers may go higher, since numbers may be missing. */
export const maxSeatsPerRow = 60;

/** A screen has at most this many seats. */
export const maxSeatsPerScreen = 1_000;

/** No seat of a row has a higher number. */
export const maxSeatNumber = 99;

/** A hold just before the start of its show still lives this long, in seconds. */
export const minHoldSeconds = 30;

/** After a declined card the hold lives at least this long, in seconds. */
export const retrySeconds = 30;

/** This many declined cards cancel the hold. */
export const maxDeclinedCards = 3;

/** Customers see today and the days after it, this many in all, in the cinema's zone. */
export const bookingWindowDays = 7;

/** A session ends this many hours after login. */
export const sessionHours = 24;

/** A login tells at most this many things that happened since the one before. */
export const maxNotices = 20;

/** A device's token has at most this many characters. */
export const maxDeviceToken = 500;

/** A new security answer has at least this many characters in the form in which it is compared. */
export const minAnswerLength = 4;

/** A reset token is good for this many seconds after the security answer, and once. */
export const resetTokenSeconds = 300;

/** A profile image has at most this many bytes before it is encoded, 5 MiB. */
export const maxProfileImageBytes = 5 * 1_024 * 1_024;

/** A profile image has at most this many pixels, width times height. */
export const maxProfileImagePixels = 25_000_000;

/** What a profile image may be; use it as the `accept` of a file input. */
export const profileImageTypes = ["image/jpeg", "image/png", "image/webp"] as const;

/** Width and height of the profile image that is kept, in pixels. */
export const profileImageSide = 64;

/** The URL of a profile image is good for this many hours. */
export const profileImageLinkHours = 24;

/** Funds added to a wallet at once at most, in the cinema's currency. */
export const maxTopUp = "10000.00";

/** Adding funds never brings a wallet above this. */
export const maxWalletBalance = "100000.00";

/** The answer to a call with an idempotency key is kept for this many hours. */
export const keyHours = 24;

/** Bookings checked in by one call at most. */
export const maxCheckIns = 200;

/** The doors open this many minutes before a show starts, and close when it ends. */
export const doorsOpenMinutes = 60;

/** What is read from a code at the door has at most this many characters: no QR code holds more. */
export const maxTicketLength = 4_296;

/** Calls in one batch at most; mutations never travel in a batch. */
export const maxBatchSize = 10;

/** Items of a page unless asked otherwise. */
export const defaultPageSize = 20;

/** No page has more items than this; asking for more is a validation error. */
export const maxPageSize = 100;

/** The `typ` in the header of every ticket token, so that no other signed token is taken for a ticket. */
export const ticketTokenType = "skyfox-ticket+jwt";
