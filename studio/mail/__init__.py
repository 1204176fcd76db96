"""Mail waits in the database until the mail server has taken it: whoever writes one is never kept
waiting, and a server that is away is no error of a page. May import audit and what is below it."""
