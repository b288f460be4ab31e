# SPDX-License-Identifier: MIT
"""An independent reader of CTF 2, for tests: see ../ctf2_check.py."""
