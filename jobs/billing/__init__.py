"""What things cost, what is held and settled, and how much a team or person may still spend.
May import models, modelstudio, catalogue and common; neither accounts nor download."""
