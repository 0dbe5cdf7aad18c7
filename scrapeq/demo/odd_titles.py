"""Titles and authors of the products whose pages are about their letters."""
# ruff: noqa: RUF001 - letters that look like other letters are the point.

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scrapeq.demo.kinds import Kind

ODD_TITLES: Mapping[Kind, Sequence[tuple[str, str]]] = {
    Kind.WINDOWS_1251: (
        ("Зимний маяк", "Анна Лебедева"),
        ("Пять писем из Твери", "Игорь Соснин"),
        ("Сад за рекой № 8", "Мария Журавлёва"),
        ("«Тихий поезд» и другие рассказы", "Пётр Ольхин"),
        ("Хлеб и чай: простая кухня", "Ольга Щукина"),
    ),
    Kind.SHIFT_JIS: (
        ("雨の図書館", "佐藤 美咲"),
        # The second byte of ソ and of 表 is a backslash.
        ("海辺のソファー", "高橋 健"),
        ("時刻表にない駅", "中村 さくら"),
        # ① and ㈱ are not in Shift_JIS proper, only in what Windows made of it.
        ("猫と夜汽車 ①", "小林 直樹"),
        ("㈱月光商会", "渡辺 千夏"),
    ),
    Kind.LATIN_1: (
        ("“Yes,” Said the Gardener", "Maud Pemberton"),
        ("The Baker’s Dozen", "Zoë Whitlock"),
        ("‘Tea?’ and Other Questions", "Inès Lacombe"),
        ("Don’t Wake the Café", "Chloé Dunmore"),
        ("Rain – A “Natural” History…", "Jürgen Grünwald"),
    ),
    Kind.UTF_16: (
        ("Το σπίτι με τις ελιές", "Ελένη Παππά"),
        ("कविता और बारिश", "मीरा जोशी"),
        ("ดอกไม้ริมทาง", "นิดา ใจดี"),
        ("🚲 Two Wheels to Łódź", "Tomasz Kowalczyk"),
        ("Տուն ծովի մոտ", "Անի Պետրոսյան"),
    ),
    # Each holds a character of GBK that GB2312 lacks.
    Kind.GB2312: (
        ("喆叔的茶馆", "林小雨"),
        ("堃山夜雨", "陈望舒"),
        ("囍字灯笼", "赵明月"),
        ("昇平旧事", "孙晓峰"),
        ("瞭望塔上的猫", "周若兰"),
    ),
    Kind.HOSTILE: (
        (
            "The \x1b]0;Sold out\x07\x1b[2J\x1b[31mTerminal\x1b[0m \x9b5mGarden"
            " by \u202ethgiN\u202c \u2066[/b]\u2069",
            "Wilf \x1b[8mInvisible",
        ),
    ),
}
"""Title and author, in order of number."""
