import { openBooks } from "../sandbox/gateway-books.ts";

const [file, name, processes, count] = process.argv.slice(2);
const books = openBooks(file);

function addCharge(key: string): void {
  books.exclusively(() => {
    const entry = { key, fingerprint: "", transactionId: `txn_${key}`, requestId: `req_${key}` };
    books.addAttempt({ ...entry, status: "SUCCESS", amount: "1.00", at: new Date().toISOString() });
  });
}

// All add at the same time: each begins once the first charges of all are there.
addCharge(`${name}-0`);
while (books.attempts().length < Number(processes));
for (let index = 1; index < Number(count); index += 1) addCharge(`${name}-${index}`);
