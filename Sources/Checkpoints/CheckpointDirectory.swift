import Foundation

/// The files of a Hugging Face directory: on disk, or in memory alone, where no name leads to them.
public struct CheckpointDirectory: Sendable {
    /// The directory; for files in memory, what they came from.
    public let path: String
    private let memory: [String: MappedFile]?

    /// A directory on disk.
    public init(path: String) {
        self.path = path
        memory = nil
    }

    /// Files in memory.
    ///
    /// - Parameters:
    ///   - path: what they came from, for errors.
    ///   - files: by name; each one's bytes live as long as its owner.
    public init(path: String, files: [String: (bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable)]) {
        self.path = path
        memory = Dictionary(
            uniqueKeysWithValues: files.map { name, file in
                (name, MappedFile(path: "\(path)/\(name)", bytes: file.bytes, owner: file.owner))
            }
        )
    }

    /// The path of a file, for errors; where the files are in memory, nothing is there.
    public func path(of name: String) -> String { (path as NSString).appendingPathComponent(name) }

    /// Whether there is a file of this name.
    public func contains(_ name: String) -> Bool {
        guard let memory else { return FileManager.default.fileExists(atPath: path(of: name)) }
        return memory[name] != nil
    }

    /// The names of the files, sorted; empty when the directory cannot be listed.
    public var names: [String] {
        guard let memory else { return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
        return memory.keys.sorted()
    }

    /// The bytes of a file, for small ones.
    ///
    /// - Throws: `CheckpointError.unreadable`.
    public func data(_ name: String) throws(CheckpointError) -> Data {
        let file = try file(name)
        return withExtendedLifetime(file) { Data(file.bytes) }
    }

    /// A JSON file.
    ///
    /// - Throws: `CheckpointError.unreadable`, `.invalidJSON`.
    public func json(_ name: String) throws(CheckpointError) -> JSONValue {
        let file = try file(name)
        return try withExtendedLifetime(file) { () throws(CheckpointError) in
            try JSONValue.parse(file.bytes, path: file.path, offset: 0)
        }
    }

    /// Bytes of all files together.
    public var byteCount: Int {
        if let memory { return memory.values.reduce(0) { $0 + $1.bytes.count } }
        return names.reduce(0) { sum, name in
            let size = try? FileManager.default.attributesOfItem(atPath: path(of: name))[.size] as? Int
            return sum + (size ?? 0)
        }
    }

    /// Lends the bytes of a file.
    ///
    /// - Throws: `CheckpointError.unreadable`, and what `body` throws.
    public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let file = try file(name)
        return try withExtendedLifetime(file) { try body(file.bytes) }
    }

    /// A safetensors file, with the names that it has.
    ///
    /// - Throws: `CheckpointError`.
    public func safetensors(_ name: String) throws(CheckpointError) -> SafetensorsFile {
        try SafetensorsFile(file: try file(name))
    }

    func file(_ name: String) throws(CheckpointError) -> MappedFile {
        guard let memory else { return try MappedFile(path: path(of: name)) }
        guard let file = memory[name] else {
            throw .unreadable(path: path(of: name), reason: "there is no such file in it")
        }
        return file
    }
}
