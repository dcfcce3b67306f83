# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's own clients, unmodified, against a real receiver with TLS."""
