import AtomicFiles
import Foundation

/// What data holders are called: one file is one holder.
public enum HolderNames {
    /// The files' names without directory and suffixes; with their directory in front (`part-1-train`) when two would be
    /// the same, as for the files that `data split` writes.
    ///
    /// - Returns: one name a path; not distinct when even that does not tell them apart.
    public static func of(_ paths: [String]) -> [String] {
        let stems = paths.map(stem)
        if Set(stems).count == stems.count { return stems }
        return zip(paths, stems).map { path, stem in
            let directory = (AtomicFile.directory(of: path) as NSString).lastPathComponent
            return directory == "." || directory == "/" ? stem : directory + "-" + stem
        }
    }

    /// The first name that appears twice; nil when all are distinct.
    public static func firstDuplicate(in names: [String]) -> String? {
        var seen: Set<String> = []
        return names.first { !seen.insert($0).inserted }
    }

    private static func stem(_ path: String) -> String {
        var name = (path as NSString).lastPathComponent
        for suffix in [".gz", ".jsonl", ".json", ".csv"] where name.lowercased().hasSuffix(suffix) {
            name.removeLast(suffix.count)
        }
        return name
    }
}
