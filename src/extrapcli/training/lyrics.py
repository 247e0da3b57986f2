"""First lines of old songs, by language: words for voices to sing and speak. All are in the public domain."""

LYRICS: dict[str, tuple[str, ...]] = {
    "en": (
        "Twinkle, twinkle little star, how I wonder what you are.",
        "Row, row, row your boat, gently down the stream.",
        "Amazing grace, how sweet the sound, that saved a wretch like me.",
        "Should old acquaintance be forgot, and never brought to mind?",
        "Silent night, holy night, all is calm, all is bright.",
        "My bonnie lies over the ocean, my bonnie lies over the sea.",
        "Alas, my love, you do me wrong, to cast me off discourteously.",
    ),
    "de": (
        "Am Brunnen vor dem Tore, da steht ein Lindenbaum.",
        "Der Mond ist aufgegangen, die goldnen Sternlein prangen.",
        "Die Gedanken sind frei, wer kann sie erraten?",
        "Sah ein Knab ein Röslein stehn, Röslein auf der Heiden.",
        "Guten Abend, gut Nacht, mit Rosen bedacht.",
        "Freude, schöner Götterfunken, Tochter aus Elysium.",
    ),
    "fr": (
        "Au clair de la lune, mon ami Pierrot.",
        "Frère Jacques, dormez-vous? Sonnez les matines.",
        "Sur le pont d'Avignon, l'on y danse, l'on y danse.",
        "À la claire fontaine, m'en allant promener.",
        "Alouette, gentille alouette, alouette, je te plumerai.",
    ),
    "es": (
        "De colores, de colores se visten los campos en la primavera.",
        "Ay, ay, ay, ay, canta y no llores.",
        "Arroz con leche, me quiero casar con una señorita.",
        "Los pollitos dicen pío, pío, pío, cuando tienen hambre.",
    ),
    "it": (
        "Sul mare luccica l'astro d'argento, placida è l'onda, prospero è il vento.",
        "Va, pensiero, sull'ali dorate.",
        "La donna è mobile, qual piuma al vento.",
        "Che bella cosa, una giornata di sole.",
    ),
    "sv": (
        "Vem kan segla förutan vind, vem kan ro utan åror?",
        "Du gamla, du fria, du fjällhöga nord.",
        "Blinka lilla stjärna där, hur jag undrar var du är.",
    ),
    "pt": (
        "Atirei o pau no gato, mas o gato não morreu.",
        "Ciranda, cirandinha, vamos todos cirandar.",
        "Marcha soldado, cabeça de papel.",
        "O cravo brigou com a rosa, debaixo de uma sacada.",
    ),
    "pl": (
        "Wlazł kotek na płotek i mruga, ładna to piosenka niedługa.",
        "Lulajże Jezuniu, moja perełko.",
        "Jeszcze Polska nie zginęła, kiedy my żyjemy.",
        "Szła dzieweczka do laseczka, do zielonego.",
    ),
    "cs": (
        "Ach synku, synku, doma jsi? Tatíček se ptá, oral jsi?",
        "Holka modrooká, nesedávej u potoka.",
        "Kde domov můj, kde domov můj? Voda hučí po lučinách.",
        "Skákal pes přes oves, přes zelenou louku.",
    ),
    "nl": (
        "In Holland staat een huis, in Holland staat een huis.",
        "Daar was laatst een meisje loos, die wou gaan varen.",
        "Slaap, kindje, slaap, daar buiten loopt een schaap.",
        "Altijd is Kortjakje ziek, midden in de week.",
    ),
    "fi": (
        "Jo joutui armas aika, ja suvi suloinen.",
        "Taivas on sininen ja valkoinen, ja tähtösiä täynnä.",
        "Oi maamme, Suomi, synnyinmaa, soi, sana kultainen.",
        "Ukko Nooa, ukko Nooa, oli kunnon mies.",
    ),
    "la": (
        "Ave Maria, gratia plena, Dominus tecum.",
        "Dona nobis pacem, dona nobis pacem.",
        "Gaudeamus igitur, iuvenes dum sumus.",
        "Dies irae, dies illa, solvet saeclum in favilla.",
    ),
    "hu": (
        "Tavaszi szél vizet áraszt, virágom, virágom.",
        "Érik a szőlő, hajlik a vessző, bodor a levele.",
        "Kis kece lányom, fehérbe vagyon.",
    ),
}
