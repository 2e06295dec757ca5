import AtomicFiles
import Cryptography
import Foundation

/// Finished pieces of long measurements as small JSON files, so that a stopped report goes on where it was, and a grid over
/// emulators measures what does not depend on the emulator once.
///
/// Everything that decides the pieces of one subject goes into the name of their directory by SHA-256. A piece is never
/// changed once it is there, so several processes may share a cache.
public final class ReportCache {
    /// What pieces are about: a kind, and everything that decides their values.
    public struct Subject: Sendable, Equatable {
        /// The start of the directory's name, such as `probe-full`.
        public let kind: String
        /// What decides the values, by name.
        public let parts: [String: String]
        /// SHA-256 over all parts, hexadecimal.
        public let digest: String

        /// - Parameter parts: each as text that two different values never share.
        public init(kind: String, parts: [String: String]) {
            self.kind = kind
            self.parts = parts
            let hasher = SHA256()
            for (name, value) in parts.sorted(by: { $0.key < $1.key }) {
                for text in [name, value] { hasher.update(Array("\(text.utf8.count):\(text)".utf8)) }
            }
            digest = hasher.finalize().hexadecimal
        }

        var directoryName: String { "\(kind)-\(digest.prefix(32))" }
    }

    /// Where the files are; nil: pieces live as long as this object.
    public let directory: String?
    private var memory: [String: Data] = [:]

    /// A cache in a directory, which is made when the first piece is stored.
    public init(directory: String? = nil) { self.directory = directory }

    /// The piece if it is there; nil when it is not, or is damaged and has to be measured again.
    public func known<Piece: Codable>(_ name: String, of subject: Subject, as type: Piece.Type = Piece.self) -> Piece? {
        let key = subject.directoryName + "/" + name
        let data = memory[key] ?? directory.flatMap { FileManager.default.contents(atPath: "\($0)/\(key).json") }
        return data.flatMap { try? JSONDecoder().decode(type, from: $0) }
    }

    /// The piece if it is there, or what `measure` gives, which is stored at once.
    ///
    /// - Throws: what `measure` throws; `AtomicFileError` when it cannot be stored.
    public func piece<Piece: Codable>(
        _ name: String,
        of subject: Subject,
        measure: () throws -> Piece
    ) throws -> Piece {
        if let found = known(name, of: subject, as: Piece.self) { return found }
        let made = try measure()
        let data = try Self.encoder.encode(made)
        memory[subject.directoryName + "/" + name] = data
        guard let directory else { return made }
        let folder = directory + "/" + subject.directoryName
        if !FileManager.default.fileExists(atPath: folder + "/subject.json") {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw AtomicFileError.system(
                    operation: "create",
                    path: folder,
                    reason: (error as NSError).localizedDescription
                )
            }
            try AtomicFile.write(try Self.encoder.encode(subject.parts), to: folder + "/subject.json")
        }
        try AtomicFile.write(data, to: "\(folder)/\(name).json")
        return made
    }

    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
}
