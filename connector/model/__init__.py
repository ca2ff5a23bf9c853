"""The common model: frozen records that hold for every shop platform."""
