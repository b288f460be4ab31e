#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Logs through Python's logging, which LTTng-UST's agent hears, as many rounds as it is told to on its input."""

import logging
import sys

import lttngust  # pylint: disable=import-error,unused-import


def main():
    logging.getLogger().addHandler(logging.NullHandler())  # nothing on the terminal
    http, database = logging.getLogger("net.http"), logging.getLogger("db")
    print("ready", flush=True)
    for line in sys.stdin:
        for number in range(int(line)):
            http.info("request %d of %s", number, "somebody")
            http.debug("detail %d" * 20, *[number] * 20)
            database.error("gone: é %s\n", "\"quoted\"")
            database.getChild("pool").warning("low")
            database.critical("number %d", number)
            logging.warning("of the root")
            http.log(25, "a level of our own")
        print("done", flush=True)


main()
