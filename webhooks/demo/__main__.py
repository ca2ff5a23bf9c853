"""Run the demo: `python -m webhooks.demo`."""

from webhooks.demo.main import main

if __name__ == "__main__":
    main()
