PLAIN = {
    "need": "断口 扫描电镜", "sort": "best", "limit": "20", "format": "json", "bbox": "118,27,123,31", "q": "电", "region": "330000", "type": "", "lon": "120.1", "lat": "30.2", "detail": "tiny",
    "statutory": "no", "funded": "no", "batch": "no", "expected_voucher": 0, "expected_own": 0, "reason": "示例理由", "event": ("accept", "cancel", "deliver", "confirm", "pay_own_part", "claim", "pass", "check_ok", "approve", "pay", "refuse", "return"),
    "kind": ("claim", "application"), "policy": "yuhuan-2023", "amount": "100", "purpose": "示例", "report_number": "示例-1", "report_date": "2026-11-24", "invoice_number": "示例-2", "invoice_date": "2026-11-24",
    "payment_number": "示例-3", "payment_date": "2026-11-24", "unit": "job", "report_days": 2, "notice_hours": 24, "price": "1200", "slug": "refused", "filename": "css/base.css", "page": "0", "documents": [], "attributes": [], "crs": "WGS84",
    "hours_1": "9:00-12:00", "class": "all", "login": "x", "password": "y", "due": "2026-12-02", "fix": "region:-",
}
