"""Territorial sheets and reports of a chain: one content, written as HTML, PDF and DOCX."""

from __future__ import annotations
