from feast import Entity, ValueType

user = Entity(name="user_id", join_keys=["user_id"], value_type=ValueType.STRING)
