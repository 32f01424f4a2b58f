"""Published numbers and closed forms that mecsim is held to, by room."""
