internal import DeviceMemory

/// The free slots of huge pages, kept by page so that a page whose slots are all free can be given back whole.
///
/// Slots are taken from the fullest page that still has some, which leaves the emptiest ones to become whole. Finding it
/// looks at every page: once a batch, on the slow path.
struct HugePageSlots: ~Copyable {
    /// Size of a huge page in bytes.
    static let pageBytes = 2 << 20

    /// Slots of one page.
    let slotsPerPage: Int
    /// Free slots by page: a list through ``next``, and how many.
    private var first: Slab<UInt32>
    private var free: Slab<UInt32>
    private var next: Slab<UInt32>
    /// Pages that are given back have no slots here.
    private var isHere: Slab<Bool>

    private static let none = UInt32.max

    init(pages: Int, slotsPerPage: Int) {
        self.slotsPerPage = slotsPerPage
        first = Slab(count: pages) { UInt32($0 * slotsPerPage) }
        free = Slab(count: pages, repeating: UInt32(slotsPerPage))
        next = Slab(count: pages * slotsPerPage) {
            ($0 + 1) % slotsPerPage == 0 ? HugePageSlots.none : UInt32($0 + 1)
        }
        isHere = Slab(count: pages, repeating: true)
    }

    /// Number of pages, given back ones included.
    var pages: Int { free.count }

    /// The page that `slot` lies in.
    func page(of slot: UInt32) -> Int { Int(slot) / slotsPerPage }

    /// Whether `page` was not given away.
    func isPageHere(_ page: Int) -> Bool { isHere[page] }

    /// Takes up to `limit` slots, handing each to `accept`; returns how many.
    mutating func allocate(_ limit: Int, _ accept: (UInt32) -> Void) -> Int {
        var taken = 0
        while taken < limit, let page = fullestPageWithSlots() {
            while taken < limit, free[page] != 0 {
                let slot = first[page]
                first[page] = next[Int(slot)]
                free[page] -= 1
                taken += 1
                accept(slot)
            }
        }
        return taken
    }

    /// Takes a slot back.
    mutating func release(_ slot: UInt32) {
        let page = page(of: slot)
        next[Int(slot)] = first[page]
        first[page] = slot
        free[page] += 1
    }

    /// Gives away a page none of whose slots is out.
    mutating func giveBackWhole() -> Int? {
        for page in 0..<pages where isHere[page] && free[page] == UInt32(slotsPerPage) {
            isHere[page] = false
            free[page] = 0
            return page
        }
        return nil
    }

    /// Takes a page back that was given away; false when it was not.
    mutating func accept(page: Int) -> Bool {
        guard page >= 0, page < pages, !isHere[page] else { return false }
        isHere[page] = true
        free[page] = UInt32(slotsPerPage)
        return true
    }

    /// Pages that are here and none of whose slots is out.
    var wholePages: Int { (0..<pages).count { isHere[$0] && free[$0] == UInt32(slotsPerPage) } }

    /// Hands every free slot to `body`.
    func forEachFree(_ body: (UInt32) -> Void) {
        for page in 0..<pages {
            var slot = first[page]
            for _ in 0..<free[page] {
                body(slot)
                slot = next[Int(slot)]
            }
        }
    }

    private func fullestPageWithSlots() -> Int? {
        var best: Int?
        var fewest = UInt32.max
        for page in 0..<pages where free[page] != 0 && free[page] < fewest {
            best = page
            fewest = free[page]
        }
        return best
    }
}
