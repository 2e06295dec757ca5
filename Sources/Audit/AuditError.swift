/// Why an audit could not be planned, run or rendered.
public enum AuditError: Error, Equatable, CustomStringConvertible {
    /// An attack gave NaN or an infinity; sorting it in silence would corrupt every figure.
    case nonFiniteScore(attack: String, record: String, value: String)
    /// A model's token statistics are missing or not finite for a record.
    case unusableObservation(record: String, reason: String)
    /// Two lists that must describe the same records do not have the same length.
    case mismatchedCounts(what: String, expected: Int, found: Int)
    /// Statistics need both members and held-out records.
    case emptyClass(name: String)
    /// A suite names an attack that does not exist.
    case unknownAttack(name: String, known: [String])
    /// A value of the suite is out of range.
    case invalidSuite(key: String, reason: String)
    /// Nothing was given to audit.
    case nothingToAudit
    /// Too few independent coins for any conclusion.
    case planTooSmall(records: Int, coins: Int, minimum: Int)
    /// Two data holders' files have the same base name, so their parts in the plan would collide.
    case duplicateHolder(name: String)
    /// The coins put all of a holder's records on one side, so that it has nothing to train on or nothing to compare with.
    case oneSidedHolder(name: String)
    /// A plan directory is incomplete or was changed after it was drawn.
    case damagedPlan(path: String, reason: String)
    /// Canaries that cannot be planted as they are asked for.
    case invalidCanaries(reason: String)
    /// A count or a probability of an experiment is out of its range.
    case outOfRange(parameter: String, value: String, range: String)
    /// A condition of `--fail-if` cannot be read.
    case invalidCondition(text: String)
    /// A sweep's cells contradict each other or mean nothing.
    case invalidSweep(reason: String)
    /// A file of scores cannot be used.
    case unreadableScores(path: String, reason: String)
    /// A file that parties of an audit hand to one another cannot be used.
    case unusableExchange(path: String, reason: String, remedy: String)
    /// A data holder asked the owner for more scores than one day allows.
    case overLimit(holder: String, asked: Int, used: Int, limit: Int)
    /// A set of shadow models cannot be used.
    case unusableShadows(path: String, reason: String)
    /// A report.json is not one that this version can render.
    case unreadableReport(reason: String)

    /// One sentence with the remedy.
    public var description: String {
        switch self {
        case .nonFiniteScore(let attack, let record, let value):
            return "Attack \(attack) gives \(value) for record \(record); "
                + "the model's scores for it are broken, check the adapter with `fsot inspect`."
        case .unusableObservation(let record, let reason):
            return "Record \(record) cannot be scored: \(reason); remove it from the data and draw the plan again."
        case .mismatchedCounts(let what, let expected, let found):
            return "\(what): \(expected) expected but \(found) found; "
                + "give the audit the plan that the run was trained with."
        case .emptyClass(let name):
            return "There is no \(name) record to compare; draw the plan from more records."
        case .unknownAttack(let name, let known):
            let nearest = EditDistance.nearest(to: name.uppercased(), among: known)
            return "The suite asks for the unknown attack \"\(name)\"; "
                + (nearest.map { "did you mean \($0)? " } ?? "") + "Choose among \(known.joined(separator: ", "))."
        case .invalidSuite(let key, let reason):
            return "The suite's \(key) \(reason); correct the suite file."
        case .nothingToAudit:
            return "There is no run to audit; name at least one run directory."
        case .planTooSmall(let records, let coins, let minimum):
            return "The data hold \(records) records under \(coins) independent inclusion coins, "
                + "and an audit needs at least \(minimum); add records or subjects."
        case .duplicateHolder(let name):
            return "Two data files are both named \"\(name)\"; rename one, each file is one data holder."
        case .oneSidedHolder(let name):
            return
                "The coins put all records of \(name) on one side; add records or subjects to it, or use another --seed."
        case .damagedPlan(let path, let reason):
            return
                "The plan at \(path) cannot be used (\(reason)); draw it again with `fsot audit plan` and train again."
        case .invalidCanaries(let reason):
            return
                "The canaries cannot be planted: \(reason); correct --canaries, --canary-kinds or --canary-repetitions."
        case .outOfRange(let parameter, let value, let range):
            return "The \(parameter) is \(value), but it must be \(range)."
        case .invalidCondition(let text):
            return "\"\(text)\" is no condition; write auc>0.6 or tpr@1%>0.05, several with commas."
        case .invalidSweep(let reason):
            return "The sweep cannot be used: \(reason); correct the command, or remove the cell."
        case .unreadableScores(let path, let reason):
            return "\(path) cannot be used (\(reason)); give CSV with a header and a column score."
        case .unusableExchange(let path, let reason, let remedy):
            return "\(path) cannot be used: \(reason); \(remedy)."
        case .overLimit(let holder, let asked, let used, let limit):
            return
                "\(holder) asks for \(asked) records and had \(used) of its \(limit) today; answer tomorrow, or raise --limit."
        case .unusableShadows(let path, let reason):
            return
                "The shadow models in \(path) cannot be used (\(reason)); train them with `fsot audit shadows`, or go on with --resume."
        case .unreadableReport(let reason):
            return "The report cannot be rendered (\(reason)); make it again with `fsot audit run`."
        }
    }
}
