"""The names of tags in each kind of tag, in one table.

Names and counterparts are those of MusicBrainz Picard (https://picard-docs.musicbrainz.org, "Tag Mapping") and, for
links and podcasts, of TagLib. A tag that the table doesn't know keeps its name everywhere: as a Vorbis comment, as a
TXXX frame of that description, as a freeform atom of iTunes.
"""

from typing import NamedTuple

_TABLE = """
title              TIT2   ©nam  Title
titlesort          TSOT   sonm  WM/TitleSortOrder
subtitle           TIT3   -     WM/SubTitle
artist             TPE1   ©ART  Author
artists            -      -     WM/ARTISTS
artistsort         TSOP   soar  WM/ArtistSortOrder
album              TALB   ©alb  WM/AlbumTitle
albumsort          TSOA   soal  WM/AlbumSortOrder
albumartist        TPE2   aART  WM/AlbumArtist
albumartistsort    TSO2   soaa  WM/AlbumArtistSortOrder
composer           TCOM   ©wrt  WM/Composer
composersort       TSOC   soco  WM/ComposerSortOrder
lyricist           TEXT   -     WM/Writer
conductor          TPE3   -     WM/Conductor
remixer            TPE4   -     WM/ModifiedBy
performer          TMCL   -     -
arranger           TIPL:arranger  -  WM/Arranger
engineer           TIPL:engineer  -  WM/Engineer
producer           TIPL:producer  -  WM/Producer
mixer              TIPL:mix       -  WM/Mixer
djmixer            TIPL:DJ-mix    -  WM/DJMixer
writer             -      -     -
director           -      ©dir  WM/Director
genre              TCON   ©gen  WM/Genre
date               TDRC   ©day  WM/Year
originaldate       TDOR   -     WM/OriginalReleaseTime
releasedate        TDRL   -     -
taggingdate        TDTG   -     -
tracknumber        TRCK   trkn  WM/TrackNumber
discnumber         TPOS   disk  WM/PartOfSet
discsubtitle       TSST   -     WM/SetSubTitle
compilation        TCMP   cpil  WM/IsCompilation
grouping           TIT1   ©grp  WM/ContentGroupDescription
work               -      ©wrk  WM/Work
movementname       MVNM   ©mvn  -
movement           MVIN   ©mvi  -
showmovement       -      shwm  -
bpm                TBPM   tmpo  WM/BeatsPerMinute
key                TKEY   -     WM/InitialKey
mood               TMOO   -     WM/Mood
rating             POPM   -     WM/SharedUserRating
language           TLAN   -     WM/Language
script             -      -     WM/Script
description        -      -     -
longdescription    -      ldes  -
comment            COMM   ©cmt  Description
lyrics             USLT   ©lyr  WM/Lyrics
copyright          TCOP   cprt  Copyright
license            WCOP   -     -
website            WOAR   -     WM/AuthorURL
filewebpage        WOAF   -     WM/AudioFileURL
audiosourcewebpage WOAS   -     WM/AudioSourceURL
radiostationwebpage WORS  -     -
paymentwebpage     WPAY   -     -
publisherwebpage   WPUB   -     -
commercialwebpage  WCOM   -     WM/PromotionURL
url                WXXX   -     -
termsofuse         USER   -     -
label              TPUB   -     WM/Publisher
catalognumber      -      -     WM/CatalogNo
asin               -      -     -
barcode            -      -     WM/Barcode
isrc               TSRC   -     WM/ISRC
media              TMED   -     WM/Media
originalartist     TOPE   -     WM/OriginalArtist
originalalbum      TOAL   -     WM/OriginalAlbumTitle
originallyricist   TOLY   -     WM/OriginalLyricist
originalfilename   TOFN   -     WM/OriginalFilename
owner              TOWN   -     -
producednotice     TPRO   -     -
playlistdelay      TDLY   -     -
radiostation       TRSN   -     WM/RadioStationName
radiostationowner  TRSO   -     WM/RadioStationOwner
podcast            PCST   pcst  -
podcastcategory    TCAT   catg  -
podcastdescription TDES   desc  -
podcastid          TGID   egid  -
podcastkeywords    TKWD   keyw  -
podcasturl         WFED   purl  -
gapless            -      pgap  -
mediakind          -      stik  -
contentrating      -      rtng  -
hdvideo            -      hdvd  -
show               -      tvsh  -
showsort           -      sosn  -
season             -      tvsn  -
episode            -      tves  -
"""
"""Columns: name, ID3 frame, MP4 atom, attribute of Windows Media."""

_LONG_NAMES = {
    "musicbrainz_trackid": "MusicBrainz Track Id", "musicbrainz_albumid": "MusicBrainz Album Id",
    "musicbrainz_artistid": "MusicBrainz Artist Id", "musicbrainz_albumartistid": "MusicBrainz Album Artist Id",
    "musicbrainz_releasegroupid": "MusicBrainz Release Group Id", "musicbrainz_workid": "MusicBrainz Work Id",
    "musicbrainz_releasetrackid": "MusicBrainz Release Track Id", "musicbrainz_discid": "MusicBrainz Disc Id",
    "releasecountry": "MusicBrainz Album Release Country", "releasestatus": "MusicBrainz Album Status",
    "releasetype": "MusicBrainz Album Type", "key": "initialkey",
}  # fmt: skip
"""Names in TXXX frames and freeform atoms, where they are not that of the table in capitals."""

_ALIASES = {
    "album artist": "albumartist", "album_artist": "albumartist", "album_artist-sort": "albumartistsort",
    "artist-sort": "artistsort", "sort_artist": "artistsort", "album-sort": "albumsort", "sort_album": "albumsort",
    "title-sort": "titlesort", "sort_name": "titlesort", "composer-sort": "composersort",
    "sort_composer": "composersort", "sort_album_artist": "albumartistsort", "track": "tracknumber",
    "part_number": "tracknumber", "disc": "discnumber", "disk": "discnumber", "totaltracks": "tracktotal",
    "totaldiscs": "disctotal", "year": "date", "date_released": "date", "organization": "label", "publisher": "label",
    "mixartist": "remixer", "tempo": "bpm", "initialkey": "key", "initial key": "key", "contentgroup": "grouping",
    "itunescompilation": "compilation", "unsyncedlyrics": "lyrics", "unsynced lyrics": "lyrics", "weblink": "website",
    "original artist": "originalartist", "service_name": "radiostation", "musicbrainz_albumtype": "releasetype",
    "musicbrainz_albumstatus": "releasestatus", "product": "album",
}  # fmt: skip
TOTALS = {"tracktotal": "tracknumber", "disctotal": "discnumber", "movementtotal": "movement"}
DESCRIBED = ("comment", "lyrics", "url")
"""Names that may be followed by a description: `comment:about the cover`."""


class Known(NamedTuple):
    """Where a tag is kept: an ID3 frame, its description or role after a colon; an MP4 atom, if any; a long name."""

    id3: str
    mp4: str | None
    long_name: str


def _read_table() -> tuple[dict[str, Known], dict[str, str]]:
    rows = [row.split() for row in _TABLE.strip().splitlines()]
    rows += [[name, "-", "-", "-"] for name in _LONG_NAMES if name not in {row[0] for row in rows}]
    known, names = {}, _ALIASES | {total: total for total in TOTALS}
    for name, id3, mp4, asf in rows:
        long_name = _LONG_NAMES.get(name, name.upper())
        known[name] = Known(f"TXXX:{long_name}" if id3 == "-" else id3, None if mp4 == "-" else mp4, long_name)
        spellings = (
            name,
            id3.lower(),
            asf.lower(),
            long_name.lower(),
            long_name.lower().replace("musicbrainz ", "musicbrainz/"),
        )
        names |= dict.fromkeys(spellings, name)
    for word in ("-", "text", "user"):  # two frames have the names of words
        del names[word]
    return known, names


KNOWN, _NAMES = _read_table()


def canonical(name: str) -> str:
    """Return the table's name of a tag, or the name itself where the table doesn't know it."""
    head, colon, description = name.partition(":")
    if colon and head.lower() in DESCRIBED:
        return f"{head.lower()}:{description}"
    return _NAMES.get(name.strip().lower(), name)


def known(name: str) -> Known:
    """Return where a tag is kept."""
    return KNOWN.get(name) or Known(f"TXXX:{name}", None, name)


def join_totals(text: dict[str, list[str]]) -> None:
    """Join a number and its total: track 3 of 9 is `3/9` in `tracknumber`."""
    for total_name, name in TOTALS.items():
        totals, numbers = text.pop(total_name, []), text.get(name, [])
        if totals and numbers and "/" not in numbers[0]:
            text[name] = [f"{numbers[0]}/{totals[0]}", *numbers[1:]]


def split_total(name: str, value: str) -> tuple[int, int] | None:
    """Return number and total (0: unknown) of `3/9` or `3`, each below 65536; None for other text or another tag."""
    parts = [part.strip() for part in value.split("/")]
    if name not in TOTALS.values() or len(parts) > 2 or not all(p.isascii() and p.isdigit() for p in parts):
        return None
    number, total = (*map(int, parts), 0)[:2]
    return (number, total) if max(number, total) < 2**16 else None
