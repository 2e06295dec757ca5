import AtomicFiles
import Foundation

/// What `split.json` beside the parts says.
public struct SplitManifest: Codable, Sendable, Equatable {
    /// One part's counts.
    public struct Part: Codable, Sendable, Equatable {
        /// The part's directory.
        public var directory: String
        /// ``SplitPart/name``.
        public var name: String
        /// Records in `train`.
        public var train: Int
        /// Records in `val`.
        public var validation: Int
        /// Records in `test`.
        public var test: Int
        /// Records of each category; empty when none has one.
        public var categories: [String: Int]
    }

    /// What was asked for.
    public var request: SplitRequest
    /// Records that were split.
    public var records: Int
    /// The parts in order.
    public var parts: [Part]
}

extension DataSplit {
    /// Writes `part-N/train`, `val` and `test` (`.jsonl` or `.csv`, each record byte for byte as in `file`) and
    /// `split.json`; a set without records gets no file. The directory appears whole or not at all.
    ///
    /// - Returns: what `split.json` holds.
    /// - Throws: `AtomicFileError`, for example when `directory` exists and is not empty.
    @discardableResult
    public static func write(
        _ parts: [SplitPart],
        of file: RecordFile,
        request: SplitRequest,
        to directory: String
    ) throws -> SplitManifest {
        let stage = try StagedDirectory(destination: directory)
        var manifest = SplitManifest(request: request, records: parts.reduce(0) { $0 + $1.all.count }, parts: [])
        let suffix = file.isCSV ? "csv" : "jsonl"
        for (number, part) in parts.enumerated() {
            let name = "part-\(number + 1)"
            let path = "\(stage.path)/\(name)"
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw AtomicFileError.system(operation: "create", path: path, reason: "\(error)")
            }
            for (set, indices) in [("train", part.train), ("val", part.validation), ("test", part.test)]
            where !indices.isEmpty {
                try AtomicFile.write(file.file(of: indices), to: "\(path)/\(set).\(suffix)")
            }
            var categories: [String: Int] = [:]
            for index in part.all {
                if let category = file.records[index].category { categories[category, default: 0] += 1 }
            }
            manifest.parts.append(
                SplitManifest.Part(
                    directory: name,
                    name: part.name,
                    train: part.train.count,
                    validation: part.validation.count,
                    test: part.test.count,
                    categories: categories
                )
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(try encoder.encode(manifest), to: "\(stage.path)/split.json")
        try stage.commit()
        return manifest
    }
}
