/// The stylesheet: quiet, printable, light and dark.
package enum PageStyle {
    package static let css: Markup = """
        :root{--ink:#1d2430;--soft:#5b6675;--rule:#dfe3e8;--page:#fff;--card:#f7f8fa;--member:#b5482a;--held:#3f6f94;
        --leakage:#a3271f;--invalid_split:#7a3f98;--inconclusive:#8a6100;--none_found:#256b5a;
        --c0:#2f5fa3;--c1:#b5482a;--c2:#3f8f6b;--c3:#8a5aa8;--c4:#b38600;--c5:#2b8fa8;--c6:#8c4a5f;--c7:#666f7c}
        @media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--rule:#343c48;--page:#14181e;--card:#1c222a;
        --member:#e58a6d;--held:#7fb2da;--leakage:#f08a80;--invalid_split:#c99be3;--inconclusive:#e0b64f;--none_found:#6fc5ad;
        --c0:#7aa7ea;--c1:#e58a6d;--c2:#74c79f;--c3:#c39be0;--c4:#e0b64f;--c5:#6fc6de;--c6:#d48ea4;--c7:#a5afbd}}
        *{box-sizing:border-box}
        html{background:var(--page);color:var(--ink);font:15.5px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",
        "DejaVu Sans",sans-serif}
        body{max-width:1060px;margin:0 auto;padding:40px 28px 64px}
        h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
        h2{font-size:21px;margin:52px 0 10px;padding-top:18px;border-top:1px solid var(--rule)}
        h3{font-size:17px;margin:34px 0 6px}
        h4{font-size:14px;margin:22px 0 4px;color:var(--soft);font-weight:600}
        p{margin:6px 0 12px;max-width:74ch}
        .lead,.quiet{color:var(--soft)}
        .quiet{font-size:13.5px}
        .verdict{margin:26px 0 10px;padding:20px 24px;border-left:6px solid currentColor;background:var(--card);
        border-radius:0 8px 8px 0}
        .verdict.leakage,.verdict.bound_exceeded{color:var(--leakage)}.verdict.invalid_split{color:var(--invalid_split)}
        .verdict.inconclusive{color:var(--inconclusive)}.verdict.none_found{color:var(--none_found)}
        .verdict b{display:block;font-size:20px;line-height:1.3;text-wrap:balance}
        .verdict small{font-size:12.5px;font-weight:600;text-transform:uppercase;letter-spacing:.07em}
        .verdict ul{color:var(--ink);margin:10px 0 0;padding-left:20px}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums;margin:10px 0 14px}
        th{font-weight:600;color:var(--soft);text-align:left;font-size:12.5px;vertical-align:bottom}
        th,td{padding:6px 10px 6px 0;border-bottom:1px solid var(--rule)}
        td.n,th.n{text-align:right}
        td.name{white-space:nowrap}td.value{overflow-wrap:anywhere}
        td small{color:var(--soft);font-size:12px;white-space:nowrap}
        tr.control td{color:var(--soft)}
        tr.strongest td:first-child{font-weight:700}
        td.forest{width:200px;padding:0 10px 0 0}td.forest svg{min-width:150px}
        .faint{color:var(--soft);opacity:.75}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(168px,1fr));gap:10px;margin:14px 0}
        .cards div{background:var(--card);border-radius:8px;padding:10px 14px}
        .cards dt{color:var(--soft);font-size:12.5px}.cards dd{margin:2px 0 0;font-size:16px;font-weight:600}
        .pair{display:grid;grid-template-columns:repeat(auto-fill,minmax(380px,1fr));gap:14px 24px}
        .many{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:6px 18px}
        figure{margin:6px 0}figcaption{font-size:13px;color:var(--soft)}figcaption b{color:var(--ink)}
        svg{display:block;width:100%;height:auto;overflow:visible}
        svg text{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--soft)}
        svg text.title{font-size:12.5px;fill:var(--ink)}svg text.note{font-size:11px;font-style:italic}
        .grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1;fill:none}
        .chance{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 4;fill:none}
        .limit{stroke:var(--leakage);stroke-width:1.2;stroke-dasharray:2 3;fill:none}
        .line{fill:none;stroke-width:1.9;stroke-linejoin:round}.line.dashed{stroke-dasharray:6 4}
        .whisker{fill:none;stroke-width:2}.dot{stroke:var(--page);stroke-width:1.5}
        .shade{fill:var(--soft);opacity:.12}
        .area{stroke-width:1.4;fill-opacity:.28}
        .member{stroke:var(--member);fill:var(--member)}.held{stroke:var(--held);fill:var(--held)}
        .line.c0,.whisker.c0{stroke:var(--c0)}.line.c1,.whisker.c1{stroke:var(--c1)}.line.c2,.whisker.c2{stroke:var(--c2)}
        .line.c3,.whisker.c3{stroke:var(--c3)}.line.c4,.whisker.c4{stroke:var(--c4)}.line.c5,.whisker.c5{stroke:var(--c5)}
        .line.c6,.whisker.c6{stroke:var(--c6)}.line.c7,.whisker.c7{stroke:var(--c7)}
        .dot.c0{fill:var(--c0)}.dot.c1{fill:var(--c1)}.dot.c2{fill:var(--c2)}.dot.c3{fill:var(--c3)}
        .dot.c4{fill:var(--c4)}.dot.c5{fill:var(--c5)}.dot.c6{fill:var(--c6)}.dot.c7{fill:var(--c7)}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;padding:0;margin:6px 0 14px;font-size:13.5px}
        .legend span{color:var(--soft)}
        .legend .key{display:inline-block;width:22px;height:8px;margin-right:7px;vertical-align:middle}
        .swatch{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
        .swatch.member{background:var(--member)}.swatch.held{background:var(--held)}
        dl.words dt{font-weight:600;margin-top:10px}dl.words dd{margin:2px 0 0;max-width:74ch;color:var(--soft)}
        ul{max-width:78ch}li{margin:3px 0}
        .limits{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:8px 30px}
        .limits ul{padding-left:18px;margin:4px 0;font-size:14.5px}
        footer{margin-top:48px;padding-top:14px;border-top:1px solid var(--rule);color:var(--soft);font-size:13px}
        @media print{@page{margin:14mm}:root{--card:#f4f5f7}html{font-size:9.5pt}body{max-width:none;padding:0}
        .scroll{overflow:visible}table{font-size:8pt}th,td small{font-size:7pt}th,td{padding:3px 7px 3px 0}
        td.forest{width:110px}td.forest svg{min-width:100px}h2{margin-top:26px;padding-top:10px}
        .pair{grid-template-columns:1fr 1fr}.many,.cards{grid-template-columns:repeat(4,1fr)}.limits{grid-template-columns:repeat(3,1fr)}
        figure,.verdict,.cards,.limits div,tr,dl.words dd{break-inside:avoid}h2,h3,h4,h2+p,h3+p,dl.words dt,tr:has(>th){break-after:avoid}
        .verdict,.cards div,.swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
        """
}
