-- Take or renew a cube's lease.
INSERT INTO lease (cube, holder, fence, expires) VALUES (?, ?, ?, ?)
ON CONFLICT (cube) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, expires = excluded.expires
