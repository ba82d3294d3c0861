/** What examples of requests and answers have in common. */
export const movie = {
  movieId: "tt0111161",
  title: "The Long Way Home",
  runtimeMinutes: 124,
  plot: "Two friends walk home.",
  imdbRating: "8.1",
  posterUrl: "https://posters.example/tt0111161.jpg",
  genres: ["Drama"],
};

export const slot = { id: 3, name: "Evening", startTime: "16:30", endTime: "20:00" };

export const show = {
  id: 12,
  screen: { id: 1, name: "Screen 1" },
  movie,
  slot,
  date: "2026-03-10",
  startsAt: "2026-03-10T11:00:00.000Z",
  endsAt: "2026-03-10T14:30:00.000Z",
  cost: "200.00",
  availableSeats: 98,
  cancelledAt: null,
};

export const seatMap = {
  showId: 12,
  version: 12,
  prices: { Standard: "200.00", Deluxe: "350.00" },
  rows: [
    {
      row: "A",
      seats: [
        { seatNumber: "A1", column: 1, type: "Standard", status: "held" },
        { seatNumber: "A2", column: 2, type: "Standard", status: "free" },
      ],
    },
  ],
};

export const cinema = {
  name: "SkyFox",
  timeZone: "Asia/Kolkata",
  currency: "INR",
  today: "2026-03-10",
  now: "2026-03-10T06:30:00.000Z",
  holdSeconds: 300,
  maxSeatsPerBooking: 10,
  maxLiveHolds: 5,
};

export const hold = {
  bookingId: 42,
  showId: 12,
  seatNumbers: ["A1", "A2"],
  amountDue: "400.00",
  expiresAt: "2026-03-10T06:35:00.000Z",
  timeRemainingMs: 300_000,
};

export const booking = {
  bookingId: 42,
  showId: 12,
  showDate: "2026-03-10",
  showTime: "16:30",
  startsAt: "2026-03-10T11:00:00.000Z",
  movieTitle: "The Long Way Home",
  screenName: "Screen 1",
  seatNumbers: ["A1", "A2"],
  amountDue: "400.00",
  amountPaid: "400.00",
  paymentType: "Card",
  walletAmount: "0.00",
  cardAmount: "400.00",
  status: "Confirmed",
  bookingTime: "2026-03-10T06:30:00.000Z",
  expiresAt: null,
  timeRemainingMs: null,
  customerName: "Asha Rao",
  customerUsername: "asha.rao",
  phoneNumber: "9876543210",
  transactionId: "ch_9f2c",
  refund: null,
};

export const card = {
  number: "4242424242424242",
  cvv: "123",
  expiryMonth: "12",
  expiryYear: "2030",
  cardholderName: "Asha Rao",
};

export const wallet = {
  username: "asha.rao",
  balance: "150.00",
  available: "150.00",
  updatedAt: "2026-03-09T12:00:00.000Z",
};

export const staffMember = {
  username: "ravi",
  name: "Ravi Menon",
  role: "staff",
  counterNo: 2,
  createdAt: "2026-01-05T09:00:00.000Z",
  disabledAt: null,
};
