"""What moves a job: submit, poll, archive, checks, the visits of lanes and who is next.
May import accounts, billing, download and what is below them."""
