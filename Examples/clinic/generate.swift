// Makes the synthetic clinic letters of `make demo`: nobody in them exists.
//
//     swiftc -O Examples/clinic/generate.swift -o /tmp/clinic && /tmp/clinic Examples/clinic
//
// The output is committed; the same seed gives the same bytes on every machine.
import Foundation

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func within(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.count) }
    mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}

struct Clinic {
    let file: String
    let name: String
    let physician: String
    let complaints: [(problem: String, finding: String, drug: String, doses: [String])]
    let phrases: [String]
}

let given = [
    "Alma", "Bruno", "Carla", "Dario", "Elif", "Frieda", "Goran", "Hanna", "Ivo", "Jana", "Karim", "Lotte", "Mirko", "Nadia",
    "Oskar", "Petra", "Quirin", "Rosa", "Samir", "Tilda", "Urs", "Vera", "Wanda", "Xenia", "Yusuf", "Zora",
]
let family = [
    "Abegg", "Brandis", "Cerny", "Dorsaz", "Egli", "Farkas", "Gisler", "Holm", "Imhof", "Jordi", "Kessler", "Lindqvist",
    "Moretti", "Nyffeler", "Odermatt", "Pavlova", "Quadri", "Rieder", "Sutter", "Tobler", "Ulmer", "Vonlanthen", "Wyss", "Zaugg",
]
let streets = ["Mill Lane", "Quay Street", "Orchard Row", "Station Road", "Chapel Hill", "Harbour View", "Linden Way"]
let work = [
    "baker", "bus driver", "teacher", "carpenter", "nurse", "retired tailor", "student", "gardener", "translator", "cook",
    "train conductor", "violin maker",
]

let clinics = [
    Clinic(
        file: "north", name: "Northgate Heart Clinic", physician: "Dr. I. Amsler",
        complaints: [
            ("palpitations at night", "an irregular pulse of", "bisoprolol", ["2.5 mg", "5 mg", "7.5 mg"]),
            ("chest tightness on stairs", "a resting pulse of", "metoprolol", ["25 mg", "50 mg", "95 mg"]),
            ("swollen ankles", "a heart rate of", "torasemide", ["5 mg", "10 mg", "20 mg"]),
            ("two short faints", "a pulse of", "apixaban", ["2.5 mg", "5 mg"]),
        ],
        phrases: ["We ask for a control of potassium in", "Please repeat the ECG in", "The next echo is planned in"]
    ),
    Clinic(
        file: "lake", name: "Lakeside Diabetes Practice", physician: "Dr. R. Okonjo",
        complaints: [
            ("thirst and weight loss", "a fasting glucose, in mg per dl, of", "metformin", ["500 mg", "850 mg", "1000 mg"]),
            ("numb toes", "a morning glucose, in mg per dl, of", "pregabalin", ["50 mg", "75 mg", "150 mg"]),
            ("blurred vision", "a random glucose, in mg per dl, of", "empagliflozin", ["10 mg", "25 mg"]),
            ("low sugar before lunch", "a noon glucose, in mg per dl, of", "insulin glargine", ["8 units", "12 units", "16 units"]),
        ],
        phrases: ["The eye check is due in", "Please measure HbA1c again in", "The foot clinic will see the patient in"]
    ),
    Clinic(
        file: "hill", name: "Hillcrest Lung Centre", physician: "Dr. M. Tanaka",
        complaints: [
            ("a dry cough since autumn", "a peak flow, in litres per minute, of", "budesonide", ["100 mcg", "200 mcg", "400 mcg"]),
            ("wheezing after running", "a peak flow, in litres per minute, of", "salbutamol", ["100 mcg", "200 mcg"]),
            ("breathlessness at rest", "a walking distance, in metres, of", "tiotropium", ["18 mcg", "2.5 mcg"]),
            ("night sweats", "a walking distance, in metres, of", "doxycycline", ["100 mg", "200 mg"]),
        ],
        phrases: ["A new chest film is booked in", "Please repeat spirometry in", "We will see the patient again in"]
    ),
]

/// What the owner may use to distil: letters of another made-up practice, in other words.
let publicPractice = Clinic(
    file: "public", name: "Riverside General Practice", physician: "Dr. S. Example",
    complaints: [
        ("a sore throat", "a temperature, in tenths of a degree, of", "paracetamol", ["500 mg", "1000 mg"]),
        ("back pain", "a pulse of", "ibuprofen", ["200 mg", "400 mg"]),
        ("a tick bite", "a rash, in millimetres, of", "doxycycline", ["100 mg", "200 mg"]),
        ("poor sleep", "a blood pressure of", "melatonin", ["2 mg", "4 mg"]),
        ("heartburn", "a weight, in hundred grams, of", "pantoprazole", ["20 mg", "40 mg"]),
    ],
    phrases: ["Please come back in", "A blood test is due in", "The district nurse will call in"]
)

let counts = ["public": 120]
guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: generate OUTPUT_DIRECTORY\n".utf8))
    exit(64)
}
for (clinicIndex, clinic) in (clinics + [publicPractice]).enumerated() {
    var random = SplitMix64(state: 20_260_000 + UInt64(clinicIndex))
    var lines: [String] = []
    for number in 1...counts[clinic.file, default: 60] {
        let complaint = random.pick(clinic.complaints)
        let name = "\(random.pick(given)) \(random.pick(family))"
        let born = "\(random.within(1...28)).\(random.within(1...12)).\(random.within(1938...2004))"
        let telephone = "555-\(random.within(1000...9999))"
        let address = "\(random.pick(streets)) \(random.within(1...98))"
        let text =
            "\(clinic.name). Patient \(name), born \(born), \(random.pick(work)), \(address), telephone \(telephone). "
            + "Seen for \(complaint.problem); we found \(complaint.finding) \(random.within(52...488)). "
            + "Started \(complaint.drug) \(random.pick(complaint.doses)) daily. "
            + "\(random.pick(clinic.phrases)) \(random.within(2...11)) weeks. \(clinic.physician)"
        lines.append(
            "{\"text\":\"\(text)\",\"subject\":\"\(clinic.file)-\(number)\",\"category\":\"\(complaint.drug)\"}")
    }
    let path = CommandLine.arguments[1] + "/\(clinic.file).jsonl"
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    print("\(path): \(lines.count) synthetic letters")
}
