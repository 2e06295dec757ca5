import AtomicFiles
import Foundation

/// The round of the moment on disk: its opening and every answer that arrived, so that a coordinator that is killed in any
/// leg goes on in that leg.
///
/// The state machine of the secure aggregation follows from what it was told, in the order of the legs. So what it was told is
/// what is kept: one file an answer, renamed into place after it was synced. Answers are masked vectors, encrypted shares and
/// signatures, never an update. An answer that did not come in time is kept too: the others were told so.
/// ```
/// journal/opening.json           who is asked, and the signed header
/// journal/3-9f2c…-mask/alice.answer   alice's answer to that leg
/// journal/3-9f2c…-mask/bob.none       bob did not answer in time
/// ```
public struct RunJournal: RoundJournal {
    /// The directory.
    public let path: String

    private var openingFile: String { path + "/opening.json" }

    /// Uses a directory, which is made when the first round begins.
    public init(path: String) { self.path = path }

    /// See ``RoundJournal``.
    ///
    /// - Throws: `FederationError.invalidRun` for a damaged opening.
    public func unfinished(round: Int) throws -> RoundOpening? {
        guard let data = FileManager.default.contents(atPath: openingFile) else { return nil }
        guard let opening = try? JSONDecoder().decode(RoundOpening.self, from: data) else {
            throw FederationError.invalidRun(
                path: openingFile,
                reason: "it is damaged; remove the directory \(path) to begin the round anew"
            )
        }
        return opening.round == round ? opening : nil
    }

    /// See ``RoundJournal``.
    ///
    /// - Throws: `AtomicFileError`.
    public func begin(_ opening: RoundOpening) throws {
        try end()
        try make(path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try AtomicFile.write(encoder.encode(opening), to: openingFile)
    }

    /// See ``RoundJournal``; the opening goes first, so that what is left of a removal that was cut short belongs to nothing.
    public func end() throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            if FileManager.default.fileExists(atPath: openingFile) {
                try FileManager.default.removeItem(atPath: openingFile)
            }
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw AtomicFileError.system(
                operation: "remove",
                path: path,
                reason: (error as NSError).localizedDescription
            )
        }
    }

    /// What a participant answered to a question: `.some(nil)` if it was given up; nil: nothing is known yet.
    package func answer(to key: ExchangeKey, of participant: String) -> Data?? {
        if let data = try? MappedAnswer.read(file(key, participant) + ".answer") { return .some(data) }
        return FileManager.default.fileExists(atPath: file(key, participant) + ".none") ? .some(nil) : nil
    }

    /// Takes a synced file as a participant's answer and maps it.
    ///
    /// - Throws: `AtomicFileError`.
    package func keep(_ spool: String, as key: ExchangeKey, of participant: String) throws -> Data {
        let target = file(key, participant) + ".answer"
        try make(path + "/\(key)")
        guard rename(spool, target) == 0 else {
            throw AtomicFileError.system(operation: "write", path: target, reason: String(cString: strerror(errno)))
        }
        AtomicFile.synchronize(directory: path + "/\(key)")
        return try MappedAnswer.read(target)
    }

    /// Notes that a participant's answer came too late to count.
    ///
    /// - Throws: `AtomicFileError`.
    package func keepAbsence(_ key: ExchangeKey, of participant: String) throws {
        try make(path + "/\(key)")
        try AtomicFile.write(Data(), to: file(key, participant) + ".none")
    }

    private func file(_ key: ExchangeKey, _ participant: String) -> String { "\(path)/\(key)/\(participant)" }

    private func make(_ directory: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: directory,
                reason: (error as NSError).localizedDescription
            )
        }
    }
}
