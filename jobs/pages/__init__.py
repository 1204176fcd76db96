"""What people see of jobs; a folder per page or group of pages.
May import orders and what is below it."""
