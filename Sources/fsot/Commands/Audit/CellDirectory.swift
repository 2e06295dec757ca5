import AtomicFiles
import Emulators
import Foundation

/// The output of a measurement in cells: one small JSON file a finished cell, the settings that all of them share, and what is
/// only worked with.
struct CellDirectory {
    let path: String

    /// What is only worked with.
    var work: String { path + "/work" }
    /// The coins, the same in all cells.
    var plan: String { work + "/plan" }

    /// A cell's file.
    func file(of cell: String) -> String { "\(path)/cells/\(cell).json" }

    /// Whether a cell was measured.
    func has(_ cell: String) -> Bool { FileManager.default.fileExists(atPath: file(of: cell)) }

    /// Makes the folders and keeps the settings, or finds the same ones there: cells of other settings must not be taken for
    /// this measurement's.
    ///
    /// - Parameters:
    ///   - settings: everything that the cells' figures depend on.
    ///   - file: the settings' file in the directory.
    ///   - kind: what the measurement is called.
    /// - Throws: `CommandFailure` when other settings are there.
    func claim<Settings: Codable & Equatable>(_ settings: Settings, in file: String, kind: String) throws {
        for folder in [path + "/cells", work] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let kept = "\(path)/\(file)"
        guard let data = FileManager.default.contents(atPath: kept) else {
            return try AtomicFile.write(try Console.encode(settings) + "\n", to: kept)
        }
        guard let earlier = try? JSONDecoder().decode(Settings.self, from: data), earlier == settings else {
            throw CommandFailure(
                "\(path) is a \(kind) with other settings, records or another model; give the same ones, or another --output."
            )
        }
    }

    /// Draws the coins, unless an earlier start did.
    ///
    /// - Throws: what `fsot audit plan` fails with.
    func drawPlan(data: [String], seed: UInt64, by program: OwnProgram) throws {
        if FileManager.default.fileExists(atPath: plan) { return }
        // Halves: these records are there to be compared, and equal sides tell most.
        try program.run(["audit", "plan", "--data"] + data + ["--seed", "\(seed)", "--holdout", "0.5", "-o", plan])
    }
}

extension BlockWeights {
    /// The flags of `fsot compress` that make blocks thinner until a share of the middle is left.
    func thinningFlags(to ratio: Double) -> [String] {
        let thinning = thinning(to: ratio)
        return ["--keep", "1", "--feed-forward", "\(thinning.feedForward)"]
            + (thinning.attention < 1 ? ["--attention", "\(thinning.attention)"] : [])
    }
}

/// The flags of `fsot compress` for public text.
enum PublicTextFlags {
    /// Records are written in the template that will be tuned; plain text is taken as it is.
    static func of(_ text: String, tokens: Int, template: String) -> [String] {
        let isRecords = text.hasSuffix(".jsonl") || text.hasSuffix(".csv")
        return ["--public-data", text, "--distill-tokens", "\(tokens)"]
            + (isRecords ? ["--public-template", template] : [])
    }
}
