"""Teams and their people: signing up, who may open which page, members and their weights.
May import models and what is below them."""
