"""Pages by audience; each module exports a blueprint `bp` and is listed in `app.wiring.VIEWS`."""
