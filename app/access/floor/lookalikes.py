# ruff: noqa: RUF001 - letters that look alike are the subject of this file
"""Spellings that look or read alike, brought to one form.

Used to name a refusal, never to allow anything (app/access/floor/terms.py, rule 2).
"""

import re
import unicodedata

# Categories that leave no mark of their own: accents, invisible and unassigned characters.
_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc", "Co", "Cn", "Cs"})


def fold(text: str) -> str:
    r"""Bring spellings that look or read alike to one form; never used to allow anything.

    Width and compatibility forms (NFKC), capitals inside a word (camel case), accents, invisible
    characters, case, letters of other scripts that look Latin, digits in place of letters.

    >>> fold("P\u0435rf0rm\u00e4nce")  # a Cyrillic e, a zero, an a with two dots
    'performance'
    """
    wide = unicodedata.normalize("NFKC", text)
    humps = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wide)
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", humps.casefold())
        if unicodedata.category(character) not in _UNSEEN or character.isspace()
    )
    return bare.casefold().translate(_LOOKALIKES)


# Both sides of a comparison are folded alike, so the representative is free: i, l and 1 meet in i.
# Source: those Unicode UTS #39 confusables that can spell the names of app/access/floor/aliases.py.
_LOOKALIKES = str.maketrans(
    {
        lookalike: letter
        for letter, lookalikes in {
            "a": "аα4@",
            "b": "вβ68",
            "c": "сϲς",
            "d": "ԁđ",
            "e": "еєε3€",
            "g": "ɡ9",
            "h": "нһհ",
            "i": "іιıɩlłŀӏǀ1!|",
            "j": "јϳ",
            "k": "кκ",
            "m": "м",
            "n": "ηոп",
            "o": "оοσօø0",
            "p": "рρ",
            "q": "ԛ",
            "r": "гꭇ",
            "s": "ѕ5$",
            "t": "тτ7",
            "u": "υսц",
            "v": "νѵ",
            "w": "ԝωшщ",
            "x": "хχ",
            "y": "уγ",
            "z": "ᴢ",
        }.items()
        for lookalike in lookalikes
    }
)
