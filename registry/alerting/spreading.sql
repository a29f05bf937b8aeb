-- From an announcement to its deliveries: mail to the persons it names, else to those of its desk who have the kind's
-- permission today; a request to each webhook of its desk (for a disabled one it waits until it is enabled again). Nobody is written to twice: (announcement, channel, recipient).
WITH held AS (
    -- Roles of today; what was delegated lasts no longer than the role of whoever delegated it.
    SELECT g.account_id, array_agg(DISTINCT g.role) AS roles
    FROM role_grants AS g
    WHERE g.revoked_at IS NULL AND g.held_from <= :today AND coalesce(g.held_to, 'infinity') >= :today
      AND (g.delegated_by IS NULL OR EXISTS (
          SELECT FROM role_grants AS own JOIN accounts AS giver ON giver.id = own.account_id AND giver.state = 'active'
          WHERE own.account_id = g.delegated_by AND own.role = g.role AND own.delegated_by IS NULL
            AND own.revoked_at IS NULL AND own.held_from <= :today AND coalesce(own.held_to, 'infinity') >= :today))
    GROUP BY g.account_id
),
people AS (
    SELECT p.id, p.organisation_id, p.region, o.region AS of_region, o.lanes, h.roles,
        coalesce(w.mail, 'immediate') AS mail, coalesce(w.warnings, true) AS warnings
    FROM accounts AS p
    JOIN organisations AS o ON o.id = p.organisation_id AND o.ended_at IS NULL
    JOIN held AS h ON h.account_id = p.id
    LEFT JOIN notification_wishes AS w ON w.account_id = p.id
    WHERE p.state = 'active' AND p.email <> '' AND coalesce(w.mail, 'immediate') <> 'off'
      AND w.bouncing_since IS NULL
),
news AS (
    SELECT a.*, k.urgent, k.roles AS told_roles
    FROM announcements AS a
    JOIN jsonb_to_recordset(CAST(:kinds AS jsonb)) AS k (kind text, urgent boolean, roles text[]) ON k.kind = a.kind
    WHERE a.id = ANY(:ids)
)
INSERT INTO deliveries (announcement_id, channel, recipient, account_id, webhook_id, organisation_id, mode, message_key,
    due_at)
SELECT n.id, 'mail', concat('account:', p.id), p.id, NULL::bigint, p.organisation_id,
    CASE WHEN n.urgent THEN 'immediate' ELSE p.mail END, '',
    CASE WHEN n.urgent OR p.mail = 'immediate' THEN :at WHEN p.mail = 'hourly' THEN :hourly ELSE :daily END
FROM news AS n
JOIN people AS p ON CASE WHEN n.account_ids <> '{}' THEN p.id = ANY(n.account_ids)
    ELSE p.organisation_id = n.organisation_id AND p.roles && n.told_roles END
WHERE :mail
  AND (n.severity <> 'warning' OR p.warnings)
  AND (n.lane <> 'credit' OR 'credit' = ANY(p.lanes))
  AND (n.account_ids <> '{}' OR n.region IS NULL OR p.region = p.of_region OR p.region = n.region OR EXISTS (
      SELECT FROM region_within AS r WHERE r.outer_code = p.region AND r.inner_code = n.region))
UNION ALL
SELECT n.id, 'webhook', concat('webhook:', h.id), NULL, h.id, h.organisation_id, 'immediate',
    concat('msg_', replace(gen_random_uuid()::text, '-', '')), :at
FROM news AS n
JOIN webhooks AS h ON h.organisation_id = n.organisation_id AND h.state IN ('active', 'disabled')
    AND (h.kinds = '{}' OR n.kind = ANY(h.kinds))
ON CONFLICT (announcement_id, channel, recipient) DO NOTHING
