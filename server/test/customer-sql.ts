/** The beginning of a statement: a customer, anna.lee, whose `wallet` the rest of it goes on with. */
export const withCustomer = `
  with account as (
    insert into usertable (username, password, role) values ('anna.lee', 'none', 'customer') returning username
  ), customer as (
    insert into customertable (username, name, email, number, security_question_id, security_answer_hash)
    select username, 'Anna Lee', 'anna.lee@example.com', '9000000001', 1, 'none' from account returning username
  ), wallet as (
    insert into customer_wallet (username) select username from customer returning username
  )`;
