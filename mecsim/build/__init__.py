"""Where configuration meets code: a scenario becomes fleets, worlds and running trials."""
